package master

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// outputOf returns what pieces of a child's output become in the log.
func outputOf(decorate bool, pieces ...string) string {
	var b bytes.Buffer
	log := zlog.New(&b)
	log.Configure(func(s *zlog.Settings) { s.Launched = true; s.Now = func() time.Time { return time.Unix(0, 0) } })
	o := &output{child: &child{pid: 7, pool: &pool{conf: &conf.Pool{Name: "www", DecorateWorkersOutput: decorate}}}}
	for _, piece := range pieces {
		pipe := 1
		if strings.HasPrefix(piece, "1>") {
			pipe, piece = 0, piece[2:]
		}
		o.take(log, pipe, []byte(piece))
	}
	return b.String()
}

func TestWorkersOutput(t *testing.T) {
	time.Local = time.UTC
	const head = "[01-Jan-1970 00:00:00] WARNING: [pool www] child 7 said into "
	for _, c := range []struct {
		name   string
		pieces []string
		want   string
	}{
		{"a line", []string{"a b\n"}, head + "stderr: \"a b\"\n"},
		{"a line in pieces", []string{"a ", "b", "\n"}, head + "stderr: \"a b\"\n"},
		{"two lines", []string{"a\nb\n"}, head + "stderr: \"a\"\n" + head + "stderr: \"b\"\n"},
		{"both pipes", []string{"a", "1>b\n"}, head + "stderr: \"a\"\n" + head + "stdout: \"b\"\n"},
		{"a flush mark", []string{"a\x00fscf\x00b\n"}, head + "stderr: \"a\"\n" + head + "stderr: \"b\"\n"},
		{"a flush mark in pieces", []string{"a\x00fs", "cf\x00"}, head + "stderr: \"a\"\n"},
		{"no flush mark after all", []string{"a\x00fs", "x\n"}, head + "stderr: \"a\x00fsx\"\n"},
	} {
		if got := outputOf(true, c.pieces...); got != c.want {
			t.Errorf("%s: got  %q\nwant %q", c.name, got, c.want)
		}
	}
	if got := outputOf(false, "plain\n"); got != "plain\n" {
		t.Errorf("undecorated: got %q", got)
	}
}

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
