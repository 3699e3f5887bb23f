package master

import (
	"os"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/test/boards"
)

func TestAProcessWeighsSomething(t *testing.T) {
	ballast := make([]byte, 32<<20)
	for i := range ballast {
		ballast[i] = 1
	}
	if got := proportional(os.Getpid()); got < 32<<20 || got > 1<<30 {
		t.Errorf("this process: got %d bytes", got)
	}
	if got := proportional(1 << 30); got != 0 {
		t.Errorf("no process: got %d bytes", got)
	}
	if ballast[1] != 1 {
		t.Error("it is needed until now")
	}
}

// Workers that a round has not reached count as those do that it has.
func TestThePoolsWeightIsThatOfAllItsWorkers(t *testing.T) {
	board := boards.New(t, 4)
	p := &pool{board: board, children: []*child{{weight: 10 << 20}, {}, {weight: 30 << 20}, {}}}
	p.publishWeight()
	var totals scoreboard.Totals
	if !board.Totals(&totals) || totals.Pool.Weight != 80<<20 {
		t.Errorf("got %d bytes, want %d", totals.Pool.Weight, 80<<20)
	}
}

// A thousand workers must not cost more than a round's time.
func TestARoundGoesOnWhereTheLastOneHasStopped(t *testing.T) {
	m := &Master{box: newMailbox()}
	m.sys.now = time.Now
	var children []*child
	for range 3000 {
		children = append(children, &child{pid: os.Getpid()})
	}
	board := boards.One(t)
	m.gen = &generation{pools: []*pool{{board: board, children: children}}}
	reached := func() (n int) {
		for _, c := range children {
			if c.weight > 0 {
				n++
			}
		}
		return n
	}
	before := 0
	for range 3 {
		m.weighing.at = time.Time{}
		began := time.Now()
		m.weigh()
		<-m.box.wake
		if took := time.Since(began); took > weighTime+5*time.Second {
			t.Errorf("a round took %v", took)
		}
		m.handle()
		now := reached()
		if now <= before && now < len(children) {
			t.Fatalf("a round has reached none: %d before, %d after", before, now)
		}
		before = now
	}
	m.weigh()
	if m.weighing.under {
		t.Error("another round begins at once")
	}
}
