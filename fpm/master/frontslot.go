package master

import (
	"fmt"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// frontSlots is how many fronts of a generation may count at a time: one that a signal has stopped lives beside the one that replaces it.
const frontSlots = 4

// frontSlot takes a slot for a front that is about to be executed; -1: there is none, and it does not count.
func (g *generation) frontSlot() int {
	if g.frontBoard == nil {
		board, err := scoreboard.Create(frontSlots)
		if err != nil {
			return -1
		}
		g.frontBoard = board
	}
	for i := range frontSlots {
		if !g.frontBoard.Used(i) {
			g.frontBoard.Occupy(i)
			return i
		}
	}
	return -1
}

// vacate takes the slot of a front that has ended.
func (g *generation) vacate(f *front) {
	if g.frontBoard != nil && f.slot >= 0 {
		g.frontBoard.Vacate(f.slot)
	}
}

// siteNames are what those of the generation's sites are called in metrics that are counted each for itself: by their first host, and their path. No
// two have the same name.
func (g *generation) siteNames() (names []string) {
	seen := map[string]int{}
	for i := range min(len(g.plan.sites), scoreboard.MostSites) {
		name := siteName(&g.plan.sites[i])
		if seen[name]++; seen[name] > 1 {
			name = fmt.Sprintf("%s (%d)", name, seen[name])
		}
		names = append(names, name)
	}
	return names
}

func siteName(s *contract.Site) string {
	host := "*"
	if len(s.Hosts) > 0 {
		host = s.Hosts[0]
	}
	return host + s.Path
}
