//go:build e2e

package e2e

import (
	"fmt"
	"testing"

	processes "github.com/phpsapi/phpsapi/test/serve"
)

// The numbers of a pool's workers that PHPSAPIPool does not give are those of prefork, as far as the given ones allow them.
func TestApachePoolNumbers(t *testing.T) {
	for _, c := range []struct {
		settings map[string]int
		start    int
	}{
		{nil, 10},
		{map[string]int{"pm.max_children": 3}, 3},
		{map[string]int{"pm.max_children": 7}, 7},
		{map[string]int{"pm.start_servers": 12, "pm.max_spare_servers": 20}, 12},
		{map[string]int{"pm.min_spare_servers": 14}, 14},
		{map[string]int{"pm.max_spare_servers": 6}, 6},
	} {
		t.Run(fmt.Sprint(c.settings), func(t *testing.T) {
			p := at(t)
			p.write("www/a.php", `<?php echo 'fine';`)
			lines := ""
			for directive, number := range c.settings {
				lines += fmt.Sprintf("PHPSAPIPool %s %d\n", directive, number)
			}
			s, httpd := apacheInPool(p, lines)
			if got := s.page("GET", "/a.php", "")(s.browser.Get(s.at("/a.php"))); got != "fine" {
				t.Errorf("a.php: %q", got)
			}
			workers := func() int { return len(processes.Titled(httpd.pid, "php-fpm: pool httpd")) }
			p.eventually(fmt.Sprintf("%d workers start", c.start), func() bool { return workers() == c.start })
		})
	}
}
