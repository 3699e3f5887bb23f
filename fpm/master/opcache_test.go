package master

import (
	"slices"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/conf"
)

// One worker inspects the caches of an engine: an idle one, or if none is the first to end its request.
func TestWhichWorkersInspectTheCaches(t *testing.T) {
	var names map[*child]string
	for _, c := range []struct {
		name    string
		workers string // of the pools, between commas: idle, busy, or what they are otherwise
		paused  bool
		asked   string // those that were asked before
		resets  bool
		want    string
		step    inspectionStep
	}{
		{"idle ones", "busy,idle,idle2", false, "", true, "idle", inspectorsAsked},
		{"an idle one that was asked", "busy,idle,idle2", false, "idle", true, "idle2", inspectorsAsked},
		{"busy ones", "busy,busy2,coming", false, "", false, "busy,busy2", inspectorsAsked},
		{"busy ones that were asked", "busy,busy2", false, "busy,busy2", true, "", inspectionWaits},
		{"those that are gone or leave", "gone,lost,yields,idlekill", false, "", false, "", inspectionWaits},
		{"none, and one comes", "coming,gone", false, "", true, "", inspectionWaits},
		{"none, to look", "", false, "", false, "", inspectionWaits},
		{"none, to reset", "gone", false, "", true, "", inspectorForked},
		{"none, to reset, of a paused pool", "yields", true, "", true, "", inspectorLacks},
		{"busy ones of a paused pool", "busy", true, "", true, "busy", inspectorsAsked},
	} {
		names = map[*child]string{}
		p := &pool{conf: &conf.Pool{}, steering: steering{paused: c.paused}}
		var asked []*child
		for name := range strings.SplitSeq(c.workers, ",") {
			one := &child{ready: name != "coming", gone: name == "gone", lost: name == "lost", yields: name == "yields", idleKill: name == "idlekill"}
			names[one] = name
			p.children = append(p.children, one)
			if slices.Contains(strings.Split(c.asked, ","), name) {
				asked = append(asked, one)
			}
		}
		if c.workers == "" {
			p.children = nil
		}
		s := inspectorsOf([]*pool{p}, asked, func(c *child) bool { return strings.HasPrefix(names[c], "idle") })
		ask, step := s.next(len(asked) > 0, c.resets)
		var got []string
		for _, c := range ask {
			got = append(got, names[c])
		}
		if strings.Join(got, ",") != c.want || step != c.step {
			t.Errorf("%s: got %q, %d, want %q, %d", c.name, got, step, c.want, c.step)
		}
	}
	if s := inspectorsOf([]*pool{{conf: &conf.Pool{}, steering: steering{paused: true}}, {conf: &conf.Pool{}}}, nil, nil); s.paused {
		t.Error("an engine with a pool that takes connections is paused")
	}
}
