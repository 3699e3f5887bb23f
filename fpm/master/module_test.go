package master

import (
	"testing"

	"github.com/phpsapi/phpsapi/fpm/plan"
	"github.com/phpsapi/phpsapi/fpm/settings"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// Every generation's zygote goes by the settings of its own configuration.
func TestZygoteHasPCNTLOnlyWhereItIsSwitchedOn(t *testing.T) {
	o := &Options{Module: testModule}
	for name, c := range map[string]struct {
		plan    *plan.Plan
		without bool
	}{
		"on":          {&plan.Plan{Own: &settings.Settings{PCNTL: true}}, false},
		"off":         {&plan.Plan{Own: &settings.Settings{}}, true},
		"not known":   {&plan.Plan{}, true},
		"no settings": {nil, true},
	} {
		if got := o.launch(c.plan, engines.Choice{}).Module.WithoutPCNTL; got != c.without {
			t.Errorf("%s: left out %v, want %v", name, got, c.without)
		}
	}
}
