package master

import (
	"fmt"

	"github.com/phpsapi/phpsapi/fpm/errorlog"
	"github.com/phpsapi/phpsapi/fpm/listening"
)

// listener opens the sockets of a generation.
type listener struct {
	log      lines
	errorLog *errorlog.Log
	sockets  *listening.Sockets
	open     *listening.Opener
}

// listen finds the sockets of a generation: those of its pools, its front and its observer. The error has been logged.
func (l *listener) listen(g *generation) error {
	for _, p := range g.pools {
		s, err := l.open.Pool(p.conf)
		if err != nil {
			return fmt.Errorf("pool %s: listen %s: %w", p.conf.Name, p.conf.Listen, err)
		}
		p.socket = s
		if _, most, ok := s.Queue(); ok {
			p.published.ListenQueueLen = most
			p.board.Publish(p.published)
		}
	}
	if err := l.listenHTTP(g); err != nil {
		return err
	}
	if err := l.listenMetrics(g); err != nil {
		return err
	}
	return l.listenDashboard(g)
}

// keepSockets closes all sockets but those of a generation.
func (m *Master) keepSockets(g *generation) {
	used := map[*listening.Socket]bool{}
	for _, p := range g.pools {
		used[p.socket] = true
	}
	for _, h := range g.http.listeners {
		used[h.Socket] = true
	}
	for _, h := range g.metrics {
		used[h.Socket] = true
	}
	m.sockets.Keep(func(s *listening.Socket) bool { return used[s] })
}
