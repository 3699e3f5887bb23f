package master

import (
	"fmt"
	"slices"

	"github.com/phpsapi/phpsapi/fpm/companion"
	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/sandbox"
	"github.com/phpsapi/phpsapi/fpm/settings"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// frontPlan is what phpsapi's own settings ask for, found out and checked before anything is opened: the engine, and what a
// front needs.
type frontPlan struct {
	own          *settings.Settings
	options      *Options
	php          string                          // MAJOR.MINOR of the engine
	engine       engines.Choice                  // of the pools that have none of their own
	engines      map[string]engines.Choice       // of those that have, by their names
	workers      map[string]*settings.Worker     // the worker modes of pools, by their names
	protections  map[string]*settings.Protection // what protects pools, by their names, those of hidden pools included
	admissions   map[string]*contract.Admission  // who may ask pools for what, by their names
	kernel       sandbox.Kernel                  // as it was asked for sandboxes
	stages       map[string]settings.Stages      // of all pools, by their names
	sites        []contract.Site
	who          companion.User
	direct       string // the pool whose workers speak HTTP; empty: none, and notDirect says why
	notDirect    string
	certificates *companion.Certificates
	looking      bool                                        // at the files of the certificates
	directive    func(name string) (string, bool)            // of php.ini, and of options
	directives   map[string]func(name string) (string, bool) // of the pools with engines of their own
}

// bodyLimit is the largest body of a request for a pool.
func (f *frontPlan) bodyLimit(p *conf.Pool) int64 {
	return f.own.BodyLimit(f.setting(p, "post_max_size"))
}

// wanted reports whether there is to be a front.
func (f *frontPlan) wanted() bool { return f != nil && f.own != nil && f.own.Front() }

// logsJSON reports whether the logs are in JSON.
func (f *frontPlan) logsJSON() bool { return f != nil && f.own != nil && f.own.LogJSON }

// engineOf returns the engine of a pool.
func (f *frontPlan) engineOf(pool string) engines.Choice {
	if engine, own := f.engines[pool]; own {
		return engine
	}
	return f.engine
}

// chooseEngines finds the engines that pools have for themselves.
func (f *frontPlan) chooseEngines(pools []*conf.Pool) error {
	var names []string
	for _, p := range pools {
		names = append(names, p.Name)
	}
	named, err := f.own.Engines(names, f.options.Overrides)
	if err != nil {
		return err
	}
	f.engines = map[string]engines.Choice{}
	f.directives = map[string]func(name string) (string, bool){}
	for pool, e := range named {
		engine, err := f.options.Choose(engines.Asked{Setting: e.Text, Place: e.Place})
		if err != nil {
			return err
		}
		f.engines[pool], f.directives[pool] = engine, f.options.settingsOf(engine).Get
	}
	return nil
}

// try starts each PHP that the pools want, and ends it again. The error is the first one's that does not start.
func (f *frontPlan) try(s system, pools []*conf.Pool) error {
	var tried []string
	for _, p := range pools {
		engine := f.engineOf(p.Name)
		if slices.Contains(tried, engine.Library) {
			continue
		}
		tried = append(tried, engine.Library)
		if err := s.ask(f.options.question(f, engine)).err; err != nil {
			return err
		}
	}
	return nil
}

// verify is conf.Options.Verify.
func (f *frontPlan) verify(cfg *conf.Config) (err error) {
	if err := f.chooseEngines(cfg.Pools); err != nil {
		return err
	}
	if err := f.enterWorkerMode(cfg); err != nil {
		return err
	}
	if f.stages, err = f.stagesOf(cfg.Pools); err != nil {
		return err
	}
	if f.wanted() {
		if f.sites, err = f.own.Route(cfg.Pools, f.workers); err != nil {
			return err
		}
	}
	if err := f.protect(cfg); err != nil || !f.wanted() {
		return err
	}
	if err := settings.CheckReach(cfg.Pools, f.workers, f.sites); err != nil {
		return err
	}
	if f.who, err = companion.FrontUser(f.own.User, f.own.Group, cfg.Pools, f.routed(cfg.Pools)); err != nil {
		return f.own.Located(err)
	}
	for _, s := range f.sites {
		if err := f.who.MayRead(s.Root); err != nil {
			return fmt.Errorf("the root %s cannot be served: %w", s.Root, err)
		}
	}
	f.direct, f.notDirect = f.chooseDirect(cfg.Pools)
	f.certificates, err = companion.ReadCertificates(f.own.Certificates)
	return f.own.Located(err)
}

// pools are those that the front asks, in the order of the configuration: the pools that the sites name, and those for their
// other scripts.
func (f *frontPlan) pools(g *generation) (asked []*pool) {
	for _, p := range g.pools {
		if f.routes(p.home().conf) {
			asked = append(asked, p)
		}
	}
	return asked
}

// routed are the pools that the sites name.
func (f *frontPlan) routed(all []*conf.Pool) (routed []*conf.Pool) {
	for _, p := range all {
		if f.routes(p) {
			routed = append(routed, p)
		}
	}
	return routed
}

func (f *frontPlan) routes(p *conf.Pool) bool {
	return slices.ContainsFunc(f.sites, func(s contract.Site) bool { return s.Pool == p.Name })
}

// forApache reports whether the service is that of httpd's module.
func (f *frontPlan) forApache() bool { return f != nil && f.own != nil && f.own.Apache }
