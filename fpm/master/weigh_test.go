package master

import (
	"os"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/machine"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/test/boards"
)

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

// A round weighs all that are the master's, and the pools show it.
func TestProcessesAreWeighedBesideTheLoop(t *testing.T) {
	m := &Master{box: newMailbox()}
	m.sys.now = time.Now
	board := boards.One(t)
	c := &child{pid: os.Getpid()}
	m.gen = &generation{pools: []*pool{{board: board, children: []*child{c, {}}}}}
	m.weigh()
	<-m.box.wake
	m.handle()
	var totals scoreboard.Totals
	if own := m.weighing.own["master"]; own == 0 || c.weight == 0 {
		t.Errorf("the master weighs %d bytes, and a worker %d", own, c.weight)
	}
	if !board.Totals(&totals) || totals.Pool.Weight != 2*c.weight {
		t.Errorf("the pool weighs %d bytes, want %d", totals.Pool.Weight, 2*c.weight)
	}
	m.weigh()
	select {
	case <-m.box.wake:
		t.Error("another round begins at once")
	case <-time.After(50 * time.Millisecond):
	}
	processesWeighed{&machine.Round{}, []weighed{{kind: "front"}, {kind: "master"}}, []int64{7, 0}}.happen(m)
	if own := m.weighing.own; own["front"] != 7 || own["master"] == 0 {
		t.Errorf("a kind that a round has not reached weighs nothing: %v", own)
	}
}
