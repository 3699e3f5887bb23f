package master

import (
	"errors"
	"io"
	"slices"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/errorlog"
	"github.com/phpsapi/phpsapi/fpm/listening"
	"github.com/phpsapi/phpsapi/fpm/startup"
)

// maxRehearsals is how many may wait for a file system or a directory of users that does not answer.
const maxRehearsals = 4

var errNotRead = errors.New("the configuration, its users or the names of its addresses could not be read in time: " +
	"a file system, a directory of users or a name server does not answer")

// rehearse reads beside the loop what a reload is about to read, and looks names up: files and users are there at once
// when the loop reads them, and the addresses of names are handed to it. Nothing is changed or logged.
func (m *Master) rehearse(a *attempt) {
	if m.rehearsals >= maxRehearsals {
		m.abandonReload(errNotRead)
		return
	}
	m.rehearsals++
	a.rehearsing = true
	options, answer := m.opt, a.constants
	options.places = a.places
	go func() {
		known, question := options.rehearsal(answer)
		m.box.post(rehearsed{a, known, question})
	}()
}

// rehearsal reads the configuration and returns the addresses of the names in it. If PHP must be asked first, it returns
// which PHP instead.
func (o *Options) rehearsal(answer *startup.Answer) (listening.Names, *startup.Question) {
	options, plan := o.confOptions(errorlog.New(false))
	options.Log, options.Stderr = nil, io.Discard
	options.System.OpenErrorLog = func(*conf.Global) error { return nil }
	options.System.OpenLog = func(string) error { return nil }
	if engine := o.places.Lacking(); engine != nil {
		question := o.placesQuestion(*engine)
		return nil, &question
	}
	mustAsk := false
	options.Loaded = answer.LookUp(&mustAsk)
	cfg, err := conf.Load(options)
	if mustAsk {
		question := o.question(plan, plan.Engine)
		return nil, &question
	}
	if engine := o.places.Lacking(); engine != nil { // of a pool
		question := o.placesQuestion(*engine)
		return nil, &question
	}
	if err != nil {
		return nil, nil // the reload says why
	}
	conf.Identify(cfg, options)
	var hosts []string
	for _, p := range cfg.Pools {
		if p.Domain == conf.Inet {
			hosts = append(hosts, listening.HostOf(p.Listen.Value))
		}
	}
	if plan.Own != nil {
		for _, address := range slices.Concat(plan.Own.Listen, plan.Own.TLSListen) {
			if conf.DomainOf(address) == conf.Inet {
				hosts = append(hosts, listening.HostOf(address))
			}
		}
	}
	return listening.LookUpAll(hosts), nil
}
