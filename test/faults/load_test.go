package main

import (
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/phpsapi/phpsapi/test/client"
)

// What a fault may cost is counted, by the ways in which requests end.
func TestWhatALoadMayLose(t *testing.T) {
	failed := func(ends ...end) (t tally) {
		t.sent = 10
		for _, e := range ends {
			t.failed = append(t.failed, failure{result: result{end: e}})
		}
		return t
	}
	again := failed()
	again.retried = 1
	old := failed()
	old.stale = 1
	for name, c := range map[string]struct {
		tally   tally
		allowed allowed
		ok      bool
	}{
		"nothing":                              {failed(), none, true},
		"nothing was asked":                    {tally{}, none, false},
		"one":                                  {failed(closed), none, false},
		"the one that may":                     {failed(closed), oneEach(1), true},
		"in another way":                       {failed(wrong), oneEach(1), false},
		"one more":                             {failed(closed, unavailable), oneEach(1), false},
		"a kept connection":                    {again, none, false},
		"a kept connection that may":           {again, oneEach(1), true},
		"an old generation, whatever may be":   {old, whatever, false},
		"a wrong answer, whatever else may be": {failed(wrong), whatever, false},
	} {
		if err := c.tally.err(c.allowed); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHowARequestEnds(t *testing.T) {
	good := "n=7 generation=3 body=2:1564247190 state=0,18\nxxx\nend 7\n"
	asked := request{n: 7, size: 3, body: []byte("ab")}
	for name, c := range map[string]struct {
		answer string
		err    error
		want   end
	}{
		"answered":                       {"Content-type: text/html\r\n\r\n" + strings.ReplaceAll(good, "1564247190", "2659403885"), nil, answered},
		"another body was understood":    {"Content-type: text/html\r\n\r\n" + good, nil, wrong},
		"another request's answer":       {"Content-type: text/html\r\n\r\n" + strings.ReplaceAll(good, "7", "8"), nil, wrong},
		"without its end":                {"Content-type: text/html\r\n\r\n" + strings.TrimSuffix(good, "end 7\n"), nil, wrong},
		"PHP's error":                    {"Status: 500 Internal Server Error\r\n\r\n", nil, failed},
		"a worker script that is booted": {"Status: 503 Service Unavailable\r\n\r\n", nil, unavailable},
		"no such file":                   {"Status: 404 Not Found\r\n\r\n", nil, wrong},
		"nothing":                        {"", nil, closed},
		"cut off":                        {"", io.ErrUnexpectedEOF, closed},
		"reset":                          {"", syscall.ECONNRESET, closed},
		"no socket":                      {"", &os.PathError{Err: syscall.ENOENT}, refused},
		"too late":                       {"", os.ErrDeadlineExceeded, silent},
	} {
		v := &visitor{door: byFastCGI, fcgi: client.FastCGI{Answer: []byte(c.answer)}}
		if got := v.judge(asked, c.err); got.end != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}

func TestMoreThanBeforeIsADifference(t *testing.T) {
	before := state{"process worker": 6, "master has open socket:": 20, "worker has open a.php": 1, kept: 0}
	for name, c := range map[string]struct {
		now       state
		different bool
	}{
		"the same":                          {before, false},
		"a worker less":                     {state{"process worker": 5, "master has open socket:": 20}, true},
		"a descriptor less":                 {state{"process worker": 6, "master has open socket:": 19}, false},
		"a descriptor more":                 {state{"process worker": 6, "master has open socket:": 21}, true},
		"a connection that the front keeps": {state{"process worker": 6, "master has open socket:": 21, kept: 1}, false},
		"a zombie":                          {state{"process worker": 6, "zombies": 1}, true},
	} {
		if got := c.now.without(before); (len(got) > 0) != c.different {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestGrowthIsTold(t *testing.T) {
	steady, growing, leaking := []sample{}, []sample{}, []sample{}
	for i := range 12 {
		s := sample{master: 2000 + i%3*400, front: 9000, all: 80000 + i%2*3000, processes: 14, descriptors: 200 + i%2}
		steady = append(steady, s)
		s.master += i * 500
		growing = append(growing, s)
		s = steady[i]
		s.descriptors += i
		leaking = append(leaking, s)
	}
	if err := growth(steady); err != nil {
		t.Errorf("what comes and goes: %v", err)
	}
	if err := growth(growing); err == nil || !strings.Contains(err.Error(), "master's memory") {
		t.Errorf("half a megabyte a period: %v", err)
	}
	if err := growth(leaking); err == nil || !strings.Contains(err.Error(), "descriptors") {
		t.Errorf("a descriptor a period: %v", err)
	}
	if err := growth(steady[:2]); err == nil {
		t.Error("two samples tell no growth")
	}
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		n, most int
		want    []int
	}{{0, 3, nil}, {1, 3, []int{0}}, {3, 3, []int{0, 1, 2}}, {120, 3, []int{0, 59, 119}}} {
		if got := spread(c.n, c.most); !slices.Equal(got, c.want) {
			t.Errorf("spread(%d, %d) = %v, want %v", c.n, c.most, got, c.want)
		}
	}
}
