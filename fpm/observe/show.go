package observe

import (
	"context"

	"github.com/phpsapi/phpsapi/fpm/contract"
)

// showDashboard serves the dashboard, if there is to be one, and remembers for its graphs what is. It returns what ends the latter.
func (p *process) showDashboard() (stop func()) {
	if p.orders.Dashboard == nil || p.past == nil {
		return func() {}
	}
	p.board = newDashboard(p.server, p.orders.Dashboard, p.asks.ask, p.past)
	places := newPlaces(mostConnections) // those who look take no place of those who ask for metrics
	for _, l := range p.boards {
		p.serving.Go(func() {
			if err := p.board.serve(l, places); err != nil {
				select {
				case p.failed <- err:
				default:
				}
			}
		})
	}
	end := make(chan struct{})
	go p.past.run(p.server, func() { p.control.Send(contract.Asked, contract.AskedMemory, -1) }, end)
	return func() { close(end) }
}

// shutDashboard has the dashboard finish what it answers.
func (p *process) shutDashboard(ctx context.Context) {
	if p.board != nil {
		p.board.http.Shutdown(ctx)
	}
}
