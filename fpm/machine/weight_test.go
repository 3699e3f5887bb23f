package machine

import (
	"os"
	"reflect"
	"testing"
	"testing/fstest"
	"time"
)

func TestAProcessWeighsSomething(t *testing.T) {
	ballast := make([]byte, 32<<20)
	for i := range ballast {
		ballast[i] = 1
	}
	var s Scales
	r, _ := s.Begin(time.Now())
	if got := r.Weigh([]int{os.Getpid()})[0]; got < 32<<20 || got > 1<<30 {
		t.Errorf("this process: got %d bytes", got)
	}
	if got := weight(os.DirFS("/"), 1<<30); got != 0 {
		t.Errorf("no process: got %d bytes", got)
	}
	if ballast[1] != 1 {
		t.Error("it is needed until now")
	}
}

func TestWeightIsThePss(t *testing.T) {
	const head = "5581d3a3a000-7ffd4f9f9000 ---p 00000000 00:00 0                          [rollup]\nRss:                7104 kB\n"
	for text, want := range map[string]int64{
		head + "Pss:                1234 kB\nPss_Dirty:           888 kB\n": 1234 << 10,
		head + "Pss_Dirty:           888 kB\n":                              0,
		head + "Pss:                1e9 kB\n":                               0,
		head:                                                                0,
		"":                                                                  0,
	} {
		root := fstest.MapFS{"proc/7/smaps_rollup": {Data: []byte(text)}}
		if got := weight(root, 7); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}

// A thousand workers must not cost more than a round's time.
func TestARoundGoesOnWhereTheLastOneHasStopped(t *testing.T) {
	now := time.Unix(1e9, 0)
	var s Scales
	var order []int
	slow := func(i int) int64 {
		order = append(order, i)
		now = now.Add(weighTime * 2 / 5)
		return int64(10 * (i + 1))
	}
	round := func(n int) []int64 {
		t.Helper()
		r, ok := s.Begin(now)
		if !ok {
			t.Fatal("no round begins")
		}
		if _, ok := s.Begin(now.Add(time.Hour)); ok {
			t.Error("another round begins before the end of the first")
		}
		order = nil
		all := r.weigh(n, func() time.Time { return now }, slow)
		s.Ended(r)
		if _, ok := s.Begin(now); ok {
			t.Error("another round begins at once")
		}
		now = now.Add(weighInterval)
		return all
	}
	for i, c := range []struct {
		n     int
		all   []int64
		order []int
	}{
		{5, []int64{10, 20, 30, 0, 0}, []int{0, 1, 2}},
		{5, []int64{10, 0, 0, 40, 50}, []int{3, 4, 0}},
		{5, []int64{0, 20, 30, 40, 0}, []int{1, 2, 3}},
		{2, []int64{10, 20}, []int{1, 0}}, // each once, though there is time
		{0, []int64{}, nil},
		{3, []int64{10, 20, 30}, []int{2, 0, 1}},
	} {
		if all := round(c.n); !reflect.DeepEqual(all, c.all) || !reflect.DeepEqual(order, c.order) {
			t.Errorf("round %d: got %v in the order %v, want %v, %v", i, all, order, c.all, c.order)
		}
	}
}
