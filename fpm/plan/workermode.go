package plan

import (
	"slices"

	"github.com/phpsapi/phpsapi/fpm/conf"
)

// enterWorkerMode finds the pools that are in worker mode, and makes them so.
func (p *Plan) enterWorkerMode(cfg *conf.Config) (err error) {
	if p.Own == nil {
		return nil
	}
	if p.Workers, err = p.Own.Workers(cfg.Pools, p.source.Overrides); err != nil {
		return err
	}
	for _, pool := range slices.Clone(cfg.Pools) {
		w := p.Workers[pool.Name]
		if w == nil {
			continue
		}
		others := conf.Others(pool)
		if engine, own := p.engines[pool.Name]; own {
			p.engines[others.Name] = engine
		}
		cfg.Pools = append(cfg.Pools, others)
		if w.Processes > 0 {
			pool.PM, pool.MaxChildren = conf.Static, w.Processes
			pool.SetFrom("pm", w.ProcessesPlace)
			pool.SetFrom("pm.max_children", w.ProcessesPlace)
		}
		pool.Env = slices.Concat(w.Env, pool.Env)
		for _, variable := range w.Env {
			pool.SetFrom("env["+variable.Key+"]", w.EnvPlace)
		}
		pool.Successors = max(1, pool.MaxChildren/4)
		if w.Snapshot > 0 { // each has one coming
			pool.Successors = pool.MaxChildren
		}
	}
	return nil
}
