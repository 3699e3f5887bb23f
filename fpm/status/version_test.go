package status

import (
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/sapi"
)

var versions = []string{"8.2.36", "8.3.30", "8.4.28", "8.5.7"}

func TestPagesHaveAMemoryPeakSince84(t *testing.T) {
	for _, version := range versions {
		s := Snapshot{PHP: sapi.ParsePHPVersion(version), Totals: scoreboard.Totals{Slow: 7, MemoryPeak: 2 << 20}}
		for query, want := range map[string]string{
			"":            "slow requests:        7\nmemory peak:          2097152\n",
			"html":        "<tr><th>slow requests</th><td>7</td></tr>\n<tr><th>memory peak</th><td>2097152</td></tr>\n</table>",
			"xml":         "<slow-requests>7</slow-requests>\n<memory-peak>2097152</memory-peak>\n",
			"json":        `"slow requests":7,"memory peak":2097152}`,
			"openmetrics": "phpfpm_slow_requests 7\n# HELP phpfpm_memory_peak The memory usage peak since FPM has started.\n# TYPE phpfpm_memory_peak gauge\nphpfpm_memory_peak 2097152\n",
		} {
			body := string(NewPage(s, Choose(query, s.PHP), false).Body)
			if since := s.PHP.AtLeast(8, 4); strings.Contains(body, want) != since || strings.Contains(body, "peak") != since {
				t.Errorf("%s ?%s: %s", version, query, body)
			}
		}
		shown := false
		for _, e := range s.Function() {
			shown = shown || e == Entry{"memory-peak", int64(2 << 20)}
		}
		if shown != s.PHP.AtLeast(8, 4) {
			t.Errorf("%s: fpm_get_status() is %v", version, s.Function())
		}
	}
}

func TestTheBeginningOfAWordIsTheWordBefore84(t *testing.T) {
	for _, version := range versions {
		php := sapi.ParsePHPVersion(version)
		want := Choice{JSON, true}
		if php.AtLeast(8, 4) {
			want = Choice{Text, false}
		}
		if got := Choose("j&fu", php); got != want {
			t.Errorf("%s: ?j&fu is %+v", version, got)
		}
		if got := Choose("json&full", php); got != (Choice{JSON, true}) {
			t.Errorf("%s: ?json&full is %+v", version, got)
		}
	}
}
