package operate

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
)

// watched is a service with two pools, at two moments a second apart.
func watched(t *testing.T) (first, second *sample) {
	t.Helper()
	report := func(accepted int) *control.Report {
		page := func(name string, more string) json.RawMessage {
			return json.RawMessage(fmt.Sprintf(`{"pool":"%s","accepted conn":%d,"listen queue":2,"processes":[{"pid":7,"state":"Running"},{"pid":8,"state":"Idle"}%s]}`, name, accepted, more))
		}
		return &control.Report{Pid: 42, Version: "1", PHP: "8.2", State: "normal", StartSince: 90, Generations: []control.Generation{
			{Generation: 3, Pools: []json.RawMessage{page("www", ""), page(`api\u001b[2J`, `,{"pid":9,"state":"Creating"}`)},
				Front:   &control.Front{Pools: []control.FrontPool{{Name: "www", Queue: 3}}},
				Steered: []control.Steered{{Pool: "www", Paused: true, Limit: 9, Configured: 5}}},
			{Generation: 2, Pools: []json.RawMessage{page("www", "")}}}}
	}
	running := &control.Running{Requests: []control.RunningRequest{
		{Pid: 7, Pool: "www", Stage: "Running", Duration: 12, Method: "GET", Host: "example.org", URI: "/long\x1b[31m" + strings.Repeat("x", 300), Client: "192.0.2.7"},
		{Pid: 5, Pool: "api", Stage: "Reading headers", Duration: 0.5, Method: "POST", URI: "/世界"}}}
	ticks := uint64(1000)
	look := func(pid int) (uint64, int64, bool) { return ticks, 5e6, pid != 9 }
	now := time.Date(2026, 11, 27, 16, 0, 0, 0, time.UTC)
	first, err := newSample(report(100), running, nil, now, look)
	if err != nil {
		t.Fatal(err)
	}
	ticks += 50
	if second, err = newSample(report(160), running, first, now.Add(time.Second), look); err != nil {
		t.Fatal(err)
	}
	return first, second
}

func TestSamplesTellWhatHasHappenedBetween(t *testing.T) {
	first, s := watched(t)
	if www := first.pool("www"); www.Rate != nil || www.Processor != nil || www.Memory == nil {
		t.Errorf("the first sample: %+v", www)
	}
	www := s.pool("www")
	if www.Workers != 4 || www.States["Idle"] != 2 || *www.Rate != 120 || www.Queue != 2+2+3 || *www.Processor != 100 && *www.Processor != 200 ||
		*www.Memory != 20e6 || !www.Paused || www.Limit != 9 || s.Serving != 3 {
		t.Errorf("www: %+v, %v requests/s, %v%%, %v bytes", www, *www.Rate, *www.Processor, *www.Memory)
	}
	if s.pool("none") != nil {
		t.Error("there is a pool that is none")
	}
}

func TestProcessesAreMeasured(t *testing.T) {
	ticks, memory, ok := usage("7 (php) x) S 1 2 3 4 5 6 7 8 9 10 30 12 13 14 15\n", "900 500 200 1 0 5 0\n")
	if !ok || ticks != 42 || memory <= 0 || memory%300 != 0 {
		t.Errorf("got %d, %d, %v", ticks, memory, ok)
	}
	for _, stat := range []string{"", "7 (php", "7 (php) S 1"} {
		if _, _, ok := usage(stat, "900 500 200"); ok {
			t.Errorf("%q was understood", stat)
		}
	}
}

func TestFrameFitsTheScreen(t *testing.T) {
	_, s := watched(t)
	for _, size := range [][2]int{{80, 24}, {40, 10}, {200, 50}, {20, 5}} {
		f := &frame{width: size[0], height: size[1], selected: 7, message: "y/n: end it?"}
		lines := f.lines(s)
		if len(lines) != size[1] {
			t.Errorf("%v: %d lines", size, len(lines))
		}
		for _, line := range lines {
			if len([]rune(line)) > size[0] || strings.ContainsAny(line, "\x1b\n\r") || strings.Contains(line, "世") {
				t.Errorf("%v: %q", size, line)
			}
		}
		text := strings.Join(lines, "\n")
		for _, want := range []string{"y/n: end it?", "q quit", "phpsapi 1, PHP 8.2"} {
			if !strings.Contains(text, want[:min(len(want), size[0])]) {
				t.Errorf("%v lacks %q:\n%s", size, want, text)
			}
		}
	}
	text := strings.Join((&frame{width: 80, height: 24}).lines(s), "\n")
	for _, want := range []string{"4/9", "paused", "120.0", "GET /long.[31mxxx", "7        www             12.0s running"} {
		if !strings.Contains(text, want) {
			t.Errorf("the screen lacks %q:\n%s", want, text)
		}
	}
	if coloured := strings.Join((&frame{width: 80, height: 24, attributes: true, colours: true}).lines(s), "\n"); !strings.Contains(coloured, red) {
		t.Error("a request of 12 seconds has no colour")
	}
	if plain := strings.Join((&frame{width: 80, height: 24, attributes: true}).lines(s), "\n"); strings.Contains(plain, red) || strings.Contains(plain, yellow) || !strings.Contains(plain, reverse) {
		t.Error("without colours there are some, or no attributes")
	}
}

func TestKeysAreTakenApart(t *testing.T) {
	for sent, want := range map[string][]key{
		"q": {'q'}, "sk": {'s', 'k'}, "\x1b[A": {keyUp}, "\x1bOB": {keyDown}, "\x1b[1;5C": {keyOther}, "\x1b": {keyEscape}, "\x03": {keyInterrupt},
		"\x1b[Bk": {keyDown, 'k'}, "\x1b[": {keyEscape, '['}, "": nil,
	} {
		if got := keysOf([]byte(sent)); !slices.Equal(got, want) {
			t.Errorf("%q: got %v, want %v", sent, got, want)
		}
	}
}

func FuzzKeys(f *testing.F) {
	f.Add([]byte("\x1b[1;5A\x1b\x1b[q"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		if n := len(keysOf(sent)); n > len(sent) {
			t.Errorf("%q: %d keys", sent, n)
		}
	})
}

// Each key does what the last line says; nothing is ended or reloaded without an answer.
func TestKeysSteerTheView(t *testing.T) {
	_, s := watched(t)
	v := &view{o: &Operator{}, sample: s, results: make(chan string, 1)}
	v.press('k')
	if v.asks != nil || !strings.Contains(v.frame.message, "select a request") {
		t.Errorf("nothing is selected: %q", v.frame.message)
	}
	v.press(keyDown)
	v.press('k')
	if v.frame.selected != 7 || v.asks == nil || !strings.HasPrefix(v.frame.message, "y/n: end worker 7, pool www, after 12.0s: GET ") {
		t.Errorf("selected %d, %q", v.frame.selected, v.frame.message)
	}
	v.press('n')
	if v.asks != nil || v.frame.message != "nothing was done" {
		t.Errorf("no: %q", v.frame.message)
	}
	v.press('r')
	if v.asks == nil || !strings.HasPrefix(v.frame.message, "y/n: reload") {
		t.Errorf("reload: %q", v.frame.message)
	}
	v.press(keyEscape)
	v.press('s')
	v.press('p')
	if v.frame.order != byPool || v.frame.pool == "" || v.done {
		t.Errorf("order %v, pool %q", v.frame.order, v.frame.pool)
	}
	v.press('p')
	v.press('p')
	if v.frame.pool != "" {
		t.Errorf("pool %q after all of them", v.frame.pool)
	}
	if v.press('q'); !v.done {
		t.Error("q does not quit")
	}
}
