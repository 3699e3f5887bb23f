package operate

import (
	"testing"

	"github.com/phpsapi/phpsapi/fpm/control"
)

func TestResumeTellsWorkersThatLeave(t *testing.T) {
	t.Parallel()
	for workers, want := range map[int]string{
		4: "pool www takes connections: it has workers: 4",
		7: "pool www takes connections: it has workers: 7, of which 3 leave after their request",
	} {
		s := &control.Steered{Pool: "www", Workers: workers, Limit: 4, Configured: 4}
		if got := steered(control.Resume, s); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
