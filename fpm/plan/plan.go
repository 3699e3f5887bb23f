package plan

import (
	"fmt"
	"slices"

	"github.com/phpsapi/phpsapi/fpm/companion"
	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/sandbox"
	"github.com/phpsapi/phpsapi/fpm/settings"
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// Source is what a plan is made with.
type Source struct {
	Overrides settings.Overrides // of php-fpm.conf's directives
	// Choose returns the engine that is meant.
	Choose func(engines.Asked) (engines.Choice, error)
	// Module returns what the zygotes of an engine start.
	Module func(engines.Choice) sapi.Module
	// Directive returns a function that looks up an engine's settings in php.ini.
	Directive func(engines.Choice) func(name string) (string, bool)
	// Kernel returns what the kernel has for sandboxes.
	Kernel func() sandbox.Kernel
}

// Plan is what phpsapi's own settings ask for. It is whole after Verify.
type Plan struct {
	Own          *settings.Settings               // nil: they could not be read
	PHP          string                           // MAJOR.MINOR of the engine
	Engine       engines.Choice                   // of the pools that have none of their own
	Workers      map[string]*settings.Worker      // the worker modes of pools, by their names
	Sandboxes    sandbox.Kernel                   // what the kernel has for them
	Stages       map[string]settings.Stages       // of all pools, by their names
	Sites        []contract.Site                  // of the front
	Who          companion.User                   // the front's
	Direct       string                           // the pool whose workers speak HTTP; empty: none
	Certificates *companion.Certificates          // of the front
	Looking      bool                             // the master looks at the files of the certificates
	INI          func(name string) (string, bool) // of php.ini, and of options

	source      Source
	notDirect   string                                      // why there is no Direct
	engines     map[string]engines.Choice                   // of the pools that have their own, by their names
	directives  map[string]func(name string) (string, bool) // of these
	protections map[string]*settings.Protection             // what protects pools, by their names, those of hidden pools included
	admissions  map[string]*contract.Admission              // who may ask pools for what, by their names
}

// New returns a plan of which only the source is known.
func New(s Source) *Plan { return &Plan{source: s} }

// BodyLimit is the largest body of a request for a pool.
func (f *Plan) BodyLimit(p *conf.Pool) int64 {
	return f.Own.BodyLimit(f.setting(p, "post_max_size"))
}

// HasFront reports whether there is to be a front.
func (f *Plan) HasFront() bool { return f != nil && f.Own != nil && f.Own.Front() }

// LogsJSON reports whether the logs are in JSON.
func (f *Plan) LogsJSON() bool { return f != nil && f.Own != nil && f.Own.LogJSON }

// EngineOf returns the engine of a pool.
func (f *Plan) EngineOf(pool string) engines.Choice {
	if engine, own := f.engines[pool]; own {
		return engine
	}
	return f.Engine
}

// chooseEngines finds the engines that pools have for themselves.
func (f *Plan) chooseEngines(pools []*conf.Pool) error {
	var names []string
	for _, p := range pools {
		names = append(names, p.Name)
	}
	named, err := f.Own.Engines(names, f.source.Overrides)
	if err != nil {
		return err
	}
	f.engines = map[string]engines.Choice{}
	f.directives = map[string]func(name string) (string, bool){}
	for pool, e := range named {
		engine, err := f.source.Choose(engines.Asked{Setting: e.Text, Place: e.Place})
		if err != nil {
			return err
		}
		f.engines[pool], f.directives[pool] = engine, f.source.Directive(engine)
	}
	return nil
}

// Verify is conf.Options.Verify: it finds out what the plan is for a configuration, and checks it. It gives the configuration the hidden pools
// and the numbers of worker mode.
func (f *Plan) Verify(cfg *conf.Config) (err error) {
	if err := f.chooseEngines(cfg.Pools); err != nil {
		return err
	}
	if err := f.enterWorkerMode(cfg); err != nil {
		return err
	}
	if f.Stages, err = f.stagesOf(cfg.Pools); err != nil {
		return err
	}
	if f.HasFront() {
		if f.Sites, err = f.Own.Route(cfg.Pools, f.Workers); err != nil {
			return err
		}
	}
	if err := f.protect(cfg); err != nil || !f.HasFront() {
		return err
	}
	if err := settings.CheckReach(cfg.Pools, f.Workers, f.Sites); err != nil {
		return err
	}
	if f.Who, err = companion.FrontUser(f.Own.User, f.Own.Group, cfg.Pools, f.routed(cfg.Pools)); err != nil {
		return f.Own.Located(err)
	}
	for _, s := range f.Sites {
		if err := f.Who.MayRead(s.Root); err != nil {
			return fmt.Errorf("the root %s cannot be served: %w", s.Root, err)
		}
	}
	f.Direct, f.notDirect = f.chooseDirect(cfg.Pools)
	f.Certificates, err = companion.ReadCertificates(f.Own.Certificates)
	return f.Own.Located(err)
}

// routed are the pools that the sites name.
func (f *Plan) routed(all []*conf.Pool) (routed []*conf.Pool) {
	for _, p := range all {
		if f.Routes(p.Name) {
			routed = append(routed, p)
		}
	}
	return routed
}

// Routes reports whether a site names a pool.
func (f *Plan) Routes(pool string) bool {
	return slices.ContainsFunc(f.Sites, func(s contract.Site) bool { return s.Pool == pool })
}

// ForApache reports whether the service is that of httpd's module.
func (f *Plan) ForApache() bool { return f != nil && f.Own != nil && f.Own.Apache }
