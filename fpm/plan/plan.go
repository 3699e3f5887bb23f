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
func (p *Plan) BodyLimit(pool *conf.Pool) int64 {
	return p.Own.BodyLimit(p.setting(pool, "post_max_size"))
}

// HasFront reports whether there is to be a front.
func (p *Plan) HasFront() bool { return p != nil && p.Own != nil && p.Own.Front() }

// LogsJSON reports whether the logs are in JSON.
func (p *Plan) LogsJSON() bool { return p != nil && p.Own != nil && p.Own.LogJSON }

// EngineOf returns the engine of a pool.
func (p *Plan) EngineOf(pool string) engines.Choice {
	if engine, own := p.engines[pool]; own {
		return engine
	}
	return p.Engine
}

// chooseEngines finds the engines that pools have for themselves.
func (p *Plan) chooseEngines(pools []*conf.Pool) error {
	var names []string
	for _, pool := range pools {
		names = append(names, pool.Name)
	}
	named, err := p.Own.Engines(names, p.source.Overrides)
	if err != nil {
		return err
	}
	p.engines = map[string]engines.Choice{}
	p.directives = map[string]func(name string) (string, bool){}
	for pool, e := range named {
		engine, err := p.source.Choose(engines.Asked{Setting: e.Text, Place: e.Place})
		if err != nil {
			return err
		}
		p.engines[pool], p.directives[pool] = engine, p.source.Directive(engine)
	}
	return nil
}

// Verify is conf.Options.Verify: it finds out what the plan is for a configuration, and checks it. It gives the configuration the hidden pools
// and the numbers of worker mode.
func (p *Plan) Verify(cfg *conf.Config) (err error) {
	if err := p.chooseEngines(cfg.Pools); err != nil {
		return err
	}
	if err := p.enterWorkerMode(cfg); err != nil {
		return err
	}
	if p.Stages, err = p.stagesOf(cfg.Pools); err != nil {
		return err
	}
	if p.HasFront() {
		if p.Sites, err = p.Own.Route(cfg.Pools, p.Workers); err != nil {
			return err
		}
	}
	if err := p.protect(cfg); err != nil || !p.HasFront() {
		return err
	}
	if err := settings.CheckReach(cfg.Pools, p.Workers, p.Sites); err != nil {
		return err
	}
	if p.Who, err = companion.FrontUser(p.Own.User, p.Own.Group, cfg.Pools, p.routed(cfg.Pools)); err != nil {
		return p.Own.Located(err)
	}
	for _, s := range p.Sites {
		if err := p.Who.MayRead(s.Root); err != nil {
			return fmt.Errorf("the root %s cannot be served: %w", s.Root, err)
		}
	}
	p.Direct, p.notDirect = p.chooseDirect(cfg.Pools)
	p.Certificates, err = companion.ReadCertificates(p.Own.Certificates)
	return p.Own.Located(err)
}

// routed are the pools that the sites name.
func (p *Plan) routed(all []*conf.Pool) (routed []*conf.Pool) {
	for _, pool := range all {
		if p.Routes(pool.Name) {
			routed = append(routed, pool)
		}
	}
	return routed
}

// Routes reports whether a site names a pool.
func (p *Plan) Routes(pool string) bool {
	return slices.ContainsFunc(p.Sites, func(s contract.Site) bool { return s.Pool == pool })
}

// ForApache reports whether the service is that of httpd's module.
func (p *Plan) ForApache() bool { return p != nil && p.Own != nil && p.Own.Apache }
