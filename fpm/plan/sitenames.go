package plan

import (
	"fmt"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// SiteNames are what those of the generation's sites are called in metrics that are counted each for itself: by their first host, and their path. No
// two have the same name.
func (p *Plan) SiteNames() (names []string) {
	seen := map[string]int{}
	for i := range min(len(p.Sites), scoreboard.MostSites) {
		name := siteName(&p.Sites[i])
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
