package master

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/listening"
	"github.com/phpsapi/phpsapi/test/wait"
)

// What a worker said stood in the error log as if the master had said it, line ends included.
func TestWorkerCannotForgeLinesOfTheErrorLog(t *testing.T) {
	t.Parallel()
	s := start(t, static)
	s.expect("ready to handle")
	s.ask("sock", `log "a\n[26-Nov-2026 00:00:00] NOTICE: [pool other] child 7 started\x1b[2J"`)
	s.expect(`^\S+ \S+ WARNING: \[pool www\] child \d+, a\.\[26-Nov-2026 00:00:00\] NOTICE: \[pool other\] child 7 started\.\[2J$`)
}

// alive fails the test unless the master answers and ends.
func (s *service) alive() {
	s.t.Helper()
	s.report(true)
	s.signal(syscall.SIGTERM)
	s.expect(`Terminating`)
	s.expect(`bye-bye`)
	s.end()
}

// A worker sent messages without end: the master's queue, its memory and the error log grew with them.
func TestWorkerThatFloodsTheMasterIsBounded(t *testing.T) {
	t.Parallel()
	s := start(t, static)
	s.expect("ready to handle")
	conn := s.dial("sock")
	defer conn.Close()
	fmt.Fprintln(conn, "flood")
	s.expect(`WARNING: \[pool www\] child \d+, x{900}$`)
	time.Sleep(300 * time.Millisecond)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.command.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	var kB int
	_, rss, _ := strings.Cut(string(status), "VmRSS:")
	fmt.Sscan(rss, &kB)
	if kB > 64<<10 {
		t.Errorf("the master has %d kB", kB)
	}
	s.alive()
	n := 0
	for line := range strings.SplitSeq(s.said(), "\n") {
		if strings.HasSuffix(line, "xxx") {
			n++
		}
	}
	if n > 2*complaintBounds.atOnce {
		t.Errorf("%d lines of it are in the log", n)
	}
}

func TestComplaintsOfAWorkerAreCounted(t *testing.T) {
	for _, b := range []bounds{complaintBounds, sayingBounds} {
		now := time.Unix(1e9, 0)
		var n messages
		taken := 0
		for range 1000 {
			if n.one(now, b) {
				taken++
			}
		}
		if taken != b.atOnce || n.dropped != 1000-b.atOnce {
			t.Errorf("%d taken and %d dropped of 1000 at once, want %d taken", taken, n.dropped, b.atOnce)
		}
		if now = now.Add(b.interval); !n.one(now, b) || n.one(now, b) {
			t.Errorf("want one more after %v", b.interval)
		}
		now = now.Add(time.Hour)
		for taken = 0; n.one(now, b); taken++ {
		}
		if taken != b.atOnce {
			t.Errorf("%d after an hour, want %d", taken, b.atOnce)
		}
	}
}

// silentServer accepts and never reads.
func silentServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
		}
	}()
	return l.Addr().String()
}

// A worker parked a connection whose close(2) waits for an hour, and the master with it.
func TestDescriptorsOfAWorkerDoNotStopTheMaster(t *testing.T) {
	t.Parallel()
	s := start(t, static)
	s.expect("ready to handle")
	for range 3 {
		if got := s.ask("sock", "linger "+silentServer(t)); !strings.HasPrefix(got, "pool www") {
			t.Fatalf("got %q", got)
		}
	}
	s.ask("sock", "exit 3")
	s.expect("child .* started")
	s.alive()
}

func TestClosingALingeringConnectionHoldsNobodyUp(t *testing.T) {
	fd := lingering(silentServer(t))
	other, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(other)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	mine, err := unix.FcntlInt(write.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	write.Close()
	var c closer
	c.close(fd)
	c.close(mine)
	read.SetReadDeadline(time.Now().Add(patience))
	if _, err := read.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("what comes after it is not closed: %v", err)
	}
	if l, err := unix.GetsockoptInt(other, unix.SOL_SOCKET, unix.SO_ERROR); err != nil || l != 0 {
		t.Errorf("%d, %v", l, err)
	}
	wait.Until(t, "all to be closed", func() bool { return c.pending() == 0 })
}

// A slow log became a pipe that nobody reads: opening it stopped the master. A worker had its descriptor, too, and could
// write to it what it liked.
func TestSlowLog(t *testing.T) {
	t.Parallel()
	s, release := busy(t, static+"request_slowlog_timeout = 1\nslowlog = DIR/slow\n")
	s.expect(`about to trace`)
	pid := s.expect(`NOTICE: finished trace of (\d+)$`)[1]
	release()
	text, err := os.ReadFile(s.path("slow"))
	if _, got, _ := strings.Cut(string(text), "]  "); err != nil || got != "[pool www] pid "+pid+"\nscript_filename = /x.php\n[0x1] f() /x.php:1\n" {
		t.Errorf("got %q, %v", text, err)
	}
	if err := os.Remove(s.path("slow")); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(s.path("slow"), 0o600); err != nil {
		t.Fatal(err)
	}
	conn := s.dial("sock")
	defer conn.Close()
	hold(t, conn)
	s.expect(`about to trace`)
	s.expect(`ERROR: failed to trace child \d+: broken pipe$`)
	s.alive()
}

// All workers of a pool were slow at once, and of their traces one was written: the others came while it was.
func TestSlowLogHasTheTraceOfEachSlowRequest(t *testing.T) {
	t.Parallel()
	const workers = 8
	s := start(t, strings.Replace(static, "pm.max_children = 2", fmt.Sprintf("pm.max_children = %d", workers), 1)+
		"request_slowlog_timeout = 1\nslowlog = DIR/slow\n")
	s.expect("ready to handle")
	for range workers {
		conn := s.dial("sock")
		defer conn.Close()
		hold(t, conn)
	}
	for range workers {
		s.expect(`NOTICE: finished trace of \d+$`)
	}
	text, err := os.ReadFile(s.path("slow"))
	if got := strings.Count(string(text), "\nscript_filename = "); err != nil || got != workers {
		t.Errorf("%d traces of %d, %v", got, workers, err)
	}
}

// A pool's workers took all the room for parked connections, and others' were closed.
func TestEachPoolHasItsShareOfTheParkedConnections(t *testing.T) {
	m := idleMaster(t)
	defer m.gen.close()
	first := m.gen.pools[0]
	other := &pool{gen: m.gen, engine: first.engine, conf: first.conf, board: first.board, socket: &listening.Socket{}}
	m.gen.pools = append(m.gen.pools, other)
	k, err := newParking(m)
	if err != nil {
		t.Fatal(err)
	}
	m.park, k.most = k, 4
	connection := func() int {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(pair[1]) })
		unix.Write(pair[1], []byte("more"))
		return pair[0]
	}
	for i := range 5 {
		if got := k.park(first, connection()); got != (i < 2) {
			t.Errorf("connection %d: %v", i, got)
		}
		for len(k.parked) > 0 { // it becomes due, which counts, too
			<-m.box.wake
			m.handle()
		}
	}
	if len(first.due) != 2 {
		t.Errorf("%d are due", len(first.due))
	}
	if !k.park(other, connection()) {
		t.Error("another pool has no room")
	}
}
