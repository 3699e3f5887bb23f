package plan

import (
	"slices"

	"github.com/phpsapi/phpsapi/fpm/conf"
)

// enterWorkerMode finds the pools that are in worker mode, and makes them so.
func (f *Plan) enterWorkerMode(cfg *conf.Config) (err error) {
	if f.Own == nil {
		return nil
	}
	if f.Workers, err = f.Own.Workers(cfg.Pools, f.source.Overrides); err != nil {
		return err
	}
	for _, p := range slices.Clone(cfg.Pools) {
		w := f.Workers[p.Name]
		if w == nil {
			continue
		}
		others := conf.Others(p)
		if engine, own := f.engines[p.Name]; own {
			f.engines[others.Name] = engine
		}
		cfg.Pools = append(cfg.Pools, others)
		if w.Processes > 0 {
			p.PM, p.MaxChildren = conf.Static, w.Processes
			p.SetFrom("pm", w.ProcessesPlace)
			p.SetFrom("pm.max_children", w.ProcessesPlace)
		}
		p.Env = slices.Concat(w.Env, p.Env)
		for _, variable := range w.Env {
			p.SetFrom("env["+variable.Key+"]", w.EnvPlace)
		}
		p.Successors = max(1, p.MaxChildren/4)
		if w.Snapshot > 0 { // each has one coming
			p.Successors = p.MaxChildren
		}
	}
	return nil
}
