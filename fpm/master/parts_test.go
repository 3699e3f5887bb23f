package master

import (
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

func TestRequestsAreJudged(t *testing.T) {
	const s = time.Second
	both := conf.Pool{RequestSlowlogTimeout: 2 * s, RequestTerminateTimeout: 5 * s}
	track := both
	track.RequestTerminateTimeoutTrackFinished = true
	for _, c := range []struct {
		pool   conf.Pool
		stage  scoreboard.Stage
		took   time.Duration
		traced bool
		want   overdue
	}{
		{both, scoreboard.Executing, 1 * s, false, inTime},
		{both, scoreboard.Executing, 2 * s, false, tooSlow},
		{both, scoreboard.Executing, 2 * s, true, inTime},
		{both, scoreboard.Executing, 5 * s, true, timedOut},
		{both, scoreboard.ReadingHeaders, 4 * s, false, inTime}, // only a script is slow
		{both, scoreboard.ReadingHeaders, 5 * s, false, timedOut},
		{both, scoreboard.Accepting, 9 * s, false, inTime},
		{both, scoreboard.Creating, 9 * s, false, inTime},
		{both, scoreboard.Finished, 9 * s, false, inTime},
		{track, scoreboard.Finished, 9 * s, false, timedOut},
		{conf.Pool{}, scoreboard.Executing, 900 * s, false, inTime},
	} {
		if got := judge(&c.pool, c.stage, c.took, c.traced); got != c.want {
			t.Errorf("%v for %v, traced %v: %v, want %v", c.stage, c.took, c.traced, got, c.want)
		}
	}
}
