package master

import (
	"fmt"

	"github.com/phpsapi/phpsapi/fpm/companion"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/settings"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// noToken is what an order of a dashboard without a token is answered.
const noToken = "the dashboard takes no orders: " + settings.DashboardTokenKey + " is not set"

// listenDashboard opens the addresses of dashboard.listen, or takes those that are open, and reads the token.
func (l *listener) listenDashboard(g *generation) error {
	if g.plan == nil || g.plan.Own == nil || len(g.plan.Own.Dashboard.Listen) == 0 {
		return nil
	}
	own := g.plan.Own
	fail := func(key string, err error) error {
		err = own.Located(fmt.Errorf("%s: %w", key, err))
		l.log.observerImpossible(err)
		return err
	}
	token := ""
	if file := own.Dashboard.TokenFile; file != "" {
		var err error
		if token, err = control.ReadToken(file); err != nil {
			return fail(settings.DashboardTokenKey, err)
		}
	}
	for _, address := range own.Dashboard.Listen {
		s, err := l.metricsAt(g, address, own.Dashboard.Mode)
		if err != nil {
			return fail(settings.DashboardKey, fmt.Errorf("%s: %w", address, err))
		}
		g.metrics = append(g.metrics, metricsListener{s, address, contract.DashboardAt})
	}
	g.door = control.NewDoor(token, noToken)
	return nil
}

// openGate gives an observer a connection for a request at a door.
func (m *Master) openGate(o *companion.Observer, door *control.Door) {
	refuse := func(why string) { o.Control.Send(contract.Gate, why, -1) }
	switch {
	case door == nil:
		refuse("there is no dashboard")
		return
	case m.resting:
		refuse("the program is being replaced; try again in a moment")
		return
	}
	theirs, err := door.Open(o.Pid, m.box)
	if err != nil {
		refuse(err.Error())
		return
	}
	defer theirs.Close()
	o.Control.Send(contract.Gate, "", int(theirs.Fd()))
}

// wrongToken says that a client of the dashboard has sent a wrong token.
func (l lines) wrongToken(client string, others int) {
	also := ""
	if others > 0 {
		also = fmt.Sprintf("; since the last such line %d others", others)
	}
	l.Logf(zlog.Warning, "[observer] the dashboard was sent a wrong token, by %s%s", client, also)
}
