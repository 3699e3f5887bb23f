package status

import (
	"time"

	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/sapi"
)

// Snapshot is a pool at a moment.
type Snapshot struct {
	scoreboard.Totals
	Procs []scoreboard.Proc
	Epoch int64 // the moment, in seconds
	Mono  int64 // and in nanoseconds of CLOCK_MONOTONIC
	// Location is where start times are told; nil: time.Local.
	Location *time.Location
	// PHP is the version whose pages are made.
	PHP sapi.PHPVersion
}

// Take reads a scoreboard for the pages of a PHP of that version. It returns false if nothing can be read (see Reader.Totals); the page to show is
// then Failure.
func Take(r *scoreboard.Reader, php sapi.PHPVersion) (Snapshot, bool) {
	s := Snapshot{PHP: php, Epoch: time.Now().Unix(), Mono: scoreboard.NewClock().Now()}
	if !patiently(func() bool { return r.Totals(&s.Totals) }) {
		return s, false
	}
	var p scoreboard.Proc
	for i := range r.Slots() {
		if !r.Used(i) {
			continue
		}
		patiently(func() bool { return r.Snapshot(i, &p) || p.StartEpoch == 0 })
		if p.StartEpoch != 0 { // else it has gone meanwhile
			s.Procs = append(s.Procs, p)
		}
	}
	return s, true
}

// patiently waits for a writer that has lost its CPU within a change to
// end it.
func patiently(read func() bool) bool {
	for range 5 {
		if read() {
			return true
		}
		time.Sleep(100 * time.Microsecond)
	}
	return false
}

// showsMemoryPeak reports whether pages have the pool's memory peak.
func (s *Snapshot) showsMemoryPeak() bool { return s.PHP.AtLeast(8, 4) }

// since is a time that passed, in seconds.
func (s *Snapshot) since(epoch int64) int64 { return max(s.Epoch-epoch, 0) }

// duration is how long the last request took, or the current one does, in microseconds.
func (s *Snapshot) duration(p *scoreboard.Proc) int64 {
	switch p.Stage {
	case scoreboard.Creating:
		return 0
	case scoreboard.Accepting:
		return max(p.Duration.Microseconds(), 0)
	}
	return max((s.Mono-p.Accepted)/1000, 0)
}

// cpu is the share of a CPU the last request had, in percent; 0 while there is
// a current one.
func cpu(p *scoreboard.Proc) float64 {
	if p.Stage != scoreboard.Accepting || p.Duration <= 0 {
		return 0
	}
	return float64(p.CPUUser+p.CPUSystem) / float64(p.Duration) * 100
}

// memory is the last request's, in bytes; 0 while there is a current one.
func memory(p *scoreboard.Proc) uint64 {
	if p.Stage != scoreboard.Accepting {
		return 0
	}
	return p.Memory
}

// dash stands for a text that is not known.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
