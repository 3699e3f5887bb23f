package settings

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/conf"
)

// poolsNamed are pools of a php-fpm.conf.
func poolsNamed(names ...string) (pools []*conf.Pool) {
	for _, name := range names {
		pools = append(pools, &conf.Pool{Name: name})
	}
	return pools
}

// A pool's stages: --set rules over the environment, and that over phpsapi.yaml. Nothing of them is php-fpm's.
func TestStages(t *testing.T) {
	file := write(t, "pools:\n  www:\n    request_soft_timeout: 30s\n    request_client_check: 1\n  a-b: {request_kill_timeout: 0, request_soft_timeout: 5s}\n")
	s, err := Source{File: file}.Load()
	if err != nil {
		t.Fatal(err)
	}
	pools := poolsNamed("www", "a-b", "other")
	pools = append(pools, &conf.Pool{Name: "www (other scripts)", Shared: pools[0]})
	given := Overrides{Sets: []string{"a-b.request_soft_timeout=7s", "other.pm=static"},
		Environ: []string{"PHPSAPI_POOL_A_B_REQUEST_SOFT_TIMEOUT=6s", "PHPSAPI_POOL_OTHER_REQUEST_CLIENT_CHECK=250ms"}}
	got, err := s.Stages(pools, given)
	want := map[string]Stages{
		"www":   {Soft: 30 * time.Second, Kill: 2 * time.Second, Client: time.Second, SoftPlace: file + ":3: pools: www: request_soft_timeout"},
		"a-b":   {Soft: 7 * time.Second, SoftPlace: "--set a-b.request_soft_timeout", KillPlace: file + ":5: pools: a-b: request_kill_timeout"},
		"other": {Kill: 2 * time.Second, Client: 250 * time.Millisecond},
	}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	directives, err := given.Resolve([]string{"www", "a-b", "other"})
	if err != nil || len(directives) != 1 || directives[0].Name != "pm" {
		t.Errorf("php-fpm's directives: %+v, %v", directives, err)
	}
	if text := strings.Join(s.Lines(), "\n") + "\n"; !s.Given() || !strings.Contains(text, "\tpools.www.request_soft_timeout = 30s  ; "+file+":3: pools: www: request_soft_timeout\n") {
		t.Errorf("-tt shows\n%s", text)
	}
	pools[0].RequestTerminateTimeout = 30 * time.Second
	if idle := got["www"].Idle(pools[0]); len(idle) != 1 || !strings.Contains(idle[0], "request_terminate_timeout is 30s") {
		t.Errorf("a soft time-out that comes too late: %q", idle)
	}
	if idle := got["a-b"].Idle(pools[1]); len(idle) != 0 {
		t.Errorf("a soft time-out that does not: %q", idle)
	}
	kill := Stages{Kill: time.Second, KillPlace: "here"}
	if idle := kill.Idle(pools[1]); len(idle) != 1 || !strings.HasPrefix(idle[0], "here: ") {
		t.Errorf("a worker that nobody ends: %q", idle)
	}
	if idle := kill.Idle(pools[0]); len(idle) != 0 {
		t.Errorf("a worker that somebody ends: %q", idle)
	}
}

func TestStagesThatAreWrong(t *testing.T) {
	for text, want := range map[string]string{
		"pools: {www: {request_soft_timeout: soon}}":                       `:1: pools: www: request_soft_timeout: "soon" is not a time: write 30s, 1m30s, 500ms, a number of seconds, or 0 for never`,
		"pools: {www: {request_kill_timeout: soon}}":                       `:1: pools: www: request_kill_timeout: "soon" is not a time: write 30s, 1m30s, 500ms, a number of seconds, or 0 for no limit`,
		"pools: {www: {request_kill_timeout: 1ms}}":                        ":1: pools: www: request_kill_timeout: 1ms is too short: write 10ms or more, or 0 for no limit",
		"pools: {www: {request_soft_timeout: 1ms}}":                        ":1: pools: www: request_soft_timeout: 1ms is too short: write 10ms or more, or 0 for never",
		"pools: {www: {request_soft_timeout: [1]}}":                        ":1: pools: www: request_soft_timeout: write a time, such as 30s",
		"pools: {www: {request_soft_timout: 1}}":                           ":1: pools: www: unknown key request_soft_timout; did you mean request_soft_timeout?",
		"pools: {www: {request_kill_timeout: 1, request_kill_timeout: 2}}": ":1: pools: www: request_kill_timeout is there twice",
		"pools: {wwww: {request_kill_timeout: 1}}":                         ":1: pools: wwww: there is no pool wwww; did you mean www?",
	} {
		s, err := Source{File: write(t, text)}.Load()
		if err == nil {
			_, err = s.Stages(poolsNamed("www"), Overrides{})
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
	s, err := Source{}.Load()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Stages(poolsNamed("www"), Overrides{Sets: []string{"www.request_client_check=often"}}); err == nil || !strings.Contains(err.Error(), `--set www.request_client_check: "often" is not a time`) {
		t.Errorf("got %v", err)
	}
}
