package scoreboard

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// writer is the environment variable that makes the test binary a worker: its slot and their number.
const writer = "SCOREBOARD_TEST_WRITER"

func TestMain(m *testing.M) {
	if orders := os.Getenv(writer); orders != "" {
		work(orders)
	}
	os.Exit(m.Run())
}

// work writes requests for ever, each made of one letter.
func work(orders string) {
	var i, slots int
	fmt.Sscan(orders, &i, &slots)
	s, err := OpenSlot(3, slots, i)
	if err != nil {
		panic(err)
	}
	s.Accepting()
	fmt.Println("accepting")
	for n := 0; ; n++ {
		letter := byte('a' + n%26)
		text := bytes.Repeat([]byte{letter}, 1+n%3000)
		s.ReadingHeaders()
		s.Info(&Request{Method: text, URI: text, Query: text, User: text, Script: text, ContentLength: uint64(letter), Long: true})
		s.Executing()
		s.End(s.Elapsed(), time.Duration(letter), time.Duration(letter), uint64(letter))
		s.Finished()
		s.Accepting()
	}
}

// spawn starts a worker for slot i and returns how to kill it.
func spawn(t *testing.T, b *Board, i int) (kill func()) {
	t.Helper()
	b.Occupy(i)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), writer+"="+strconv.Itoa(i)+" "+strconv.Itoa(b.Slots()))
	cmd.ExtraFiles = []*os.File{b.File()}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b.SetPid(i, cmd.Process.Pid)
	if n, err := out.Read(make([]byte, 100)); n == 0 {
		t.Fatal(err)
	}
	return func() {
		cmd.Process.Kill()
		cmd.Wait()
	}
}

// whole tells what is torn about a worker of work's.
func (p *Proc) whole() error {
	texts := p.Method + p.URI + p.Query + p.User + p.Script
	if p.Stage == ReadingHeaders && (texts != "" || p.ContentLength != 0) {
		return fmt.Errorf("a new request shows an old one: %+v", *p)
	}
	if texts == "" {
		return nil
	}
	letter := texts[:1]
	n := len(p.Query)
	if strings.Trim(texts, letter) != "" || p.ContentLength != uint64(letter[0]) ||
		len(p.URI) != min(n, uriSize-1) && n < querySize-1 || len(p.Script) != min(n, scriptSize-1) && n < querySize-1 {
		return fmt.Errorf("several requests in one: %+v", *p)
	}
	if p.Stage == Accepting && (p.Memory != uint64(letter[0]) || p.CPUUser != time.Duration(p.Memory) || p.CPUSystem != p.CPUUser) {
		return fmt.Errorf("another request's end: %+v", *p)
	}
	return nil
}

// Processes write as fast as they can, are killed anywhere and replaced, while
// others read.
func TestManyProcessesWriteWhileOthersRead(t *testing.T) {
	const slots = 4
	b, err := Create(slots)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	b.Publish(Pool{Name: "www", PM: "static"})
	kill := make([]func(), slots)
	for i := range kill {
		kill[i] = spawn(t, b, i)
	}
	defer func() {
		for _, k := range kill {
			k()
		}
	}()
	var stop atomic.Bool
	var seen, torn atomic.Int64
	var readers sync.WaitGroup
	for range 2 {
		r, err := OpenReader(int(b.File().Fd()), slots)
		if err != nil {
			t.Fatal(err)
		}
		readers.Go(func() {
			defer r.Close()
			var p Proc
			var a Activity
			var n Totals
			last := uint64(0)
			for i := 0; !stop.Load(); i++ {
				if !r.Snapshot(i%slots, &p) {
					torn.Add(1)
				} else if err := p.whole(); err != nil {
					t.Error(err)
					return
				}
				seen.Add(1)
				r.Activity(i%slots, &a)
				if !r.Totals(&n) {
					continue
				}
				if n.Requests < last || n.Idle+n.Active > slots || n.MaxActive > slots || n.Pool.Name != "www" {
					t.Errorf("%+v after %d requests", n, last)
					return
				}
				last = n.Requests
			}
		})
	}
	for n := 0; n < 16; n++ { // the master
		i := n % slots
		kill[i]()
		last := b.Vacate(i)
		if err := last.whole(); err != nil {
			t.Error(err)
		}
		kill[i] = spawn(t, b, i)
		b.Publish(Pool{Name: "www", PM: "static", ListenQueue: n})
	}
	stop.Store(true)
	readers.Wait()
	if s := seen.Load(); s < 1000 || torn.Load() > s/2 {
		t.Errorf("%d snapshots, %d not whole", s, torn.Load())
	}
	t.Logf("%d snapshots, %d not whole", seen.Load(), torn.Load())
}

// The stock of php-src#16432: a worker that dies in the middle of a change
// stops nobody.
func TestWorkerDiesWritingHurtsNobody(t *testing.T) {
	b, slots := board(t, 2)
	slots[0].Accepting()
	slots[1].ReadingHeaders()
	slots[0].begin() // and no more
	var p Proc
	if b.Snapshot(0, &p) || p.Pid != 100 || p.Stage != Creating {
		t.Errorf("got %+v", p)
	}
	var n Totals
	if !b.Snapshot(1, &p) || !b.Totals(&n) || n.Requests != 1 {
		t.Errorf("the others' are not to be read: %+v %+v", p, n)
	}
	b.Vacate(0)
	b.Occupy(0)
	s := open(t, b, 0)
	s.Accepting()
	if !b.Snapshot(0, &p) || p.Stage != Accepting {
		t.Errorf("the next worker's slot shows %+v", p)
	}
}
