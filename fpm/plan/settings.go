package plan

import (
	"fmt"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/logfile"
	"github.com/phpsapi/phpsapi/fpm/settings"
)

// stagesOf returns the pools' stages.
func (p *Plan) stagesOf(pools []*conf.Pool) (map[string]settings.Stages, error) {
	own := p.Own
	if own == nil {
		own = &settings.Settings{}
	}
	return own.Stages(pools, p.source.Overrides)
}

// Interrupts reports whether any pool's requests may be interrupted. Then all can be, as pools of one PHP share a zygote.
func (p *Plan) Interrupts() bool {
	for _, s := range p.Stages {
		if s.Soft > 0 || s.Client > 0 {
			return true
		}
	}
	return false
}

// IncidentLog returns the path of the incident log; empty: there is to be none.
func (p *Plan) IncidentLog() string {
	if p == nil || p.Own == nil {
		return ""
	}
	return p.Own.IncidentLog
}

// CheckIncidentLog returns an error if the incident log could not be opened, for php-fpm -t. It makes the file if there is none, as for access logs.
func (p *Plan) CheckIncidentLog() error {
	path := p.IncidentLog()
	if path == "" {
		return nil
	}
	if err := logfile.Check(path); err != nil {
		return p.Own.Located(fmt.Errorf("incident_log: %s cannot be opened: %w", path, err))
	}
	return nil
}

// Exports reports whether spans are exported.
func (p *Plan) Exports() bool { return p != nil && p.Own != nil && p.Own.Traces.Endpoint != "" }

// Traces is what workers do about traces; nil: nothing.
func (p *Plan) Traces() *contract.Traces {
	if p == nil || p.Own == nil || !p.Own.Traces.On {
		return nil
	}
	return &contract.Traces{ByParent: p.Own.Traces.ByParent, Bound: p.Own.Traces.Bound}
}

// Doubts returns a sentence for each setting that has no effect beside the others.
func (p *Plan) Doubts(pools []*conf.Pool) []string {
	all := settings.Unused(p.Workers)
	for _, pool := range pools {
		if !pool.Handed {
			all = append(all, p.Stages[pool.Name].Idle(pool)...)
		}
	}
	return all
}
