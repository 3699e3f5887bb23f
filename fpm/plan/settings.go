package plan

import (
	"fmt"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/logfile"
	"github.com/phpsapi/phpsapi/fpm/settings"
)

// stagesOf returns the pools' stages.
func (f *Plan) stagesOf(pools []*conf.Pool) (map[string]settings.Stages, error) {
	own := f.Own
	if own == nil {
		own = &settings.Settings{}
	}
	return own.Stages(pools, f.source.Overrides)
}

// Interrupts reports whether any pool's requests may be interrupted. Then all can be, as pools of one PHP share a zygote.
func (f *Plan) Interrupts() bool {
	for _, s := range f.Stages {
		if s.Soft > 0 || s.Client > 0 {
			return true
		}
	}
	return false
}

// IncidentLog returns the path of the incident log; empty: there is to be none.
func (f *Plan) IncidentLog() string {
	if f == nil || f.Own == nil {
		return ""
	}
	return f.Own.IncidentLog
}

// CheckIncidentLog is for a test of the configuration, which only asks whether the service would start. It makes the file if there is none, as for access logs.
func (f *Plan) CheckIncidentLog() error {
	path := f.IncidentLog()
	if path == "" {
		return nil
	}
	if err := logfile.Check(path); err != nil {
		return f.Own.Located(fmt.Errorf("incident_log: %s cannot be opened: %w", path, err))
	}
	return nil
}

// Exports reports whether spans are exported.
func (f *Plan) Exports() bool { return f != nil && f.Own != nil && f.Own.Traces.Endpoint != "" }

// Traces is what workers do about traces; nil: nothing.
func (f *Plan) Traces() *contract.Traces {
	if f == nil || f.Own == nil || !f.Own.Traces.On {
		return nil
	}
	return &contract.Traces{ByParent: f.Own.Traces.ByParent, Bound: f.Own.Traces.Bound}
}

// Doubts returns a sentence for each setting that has no effect beside the others.
func (f *Plan) Doubts(pools []*conf.Pool) []string {
	all := settings.Unused(f.Workers)
	for _, p := range pools {
		if !p.Handed {
			all = append(all, f.Stages[p.Name].Idle(p)...)
		}
	}
	return all
}
