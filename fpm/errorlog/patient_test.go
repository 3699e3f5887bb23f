package errorlog

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/test/wait"
)

// Nobody read the pipe that the error log is: a container's runtime was stopped. The master waited with it.
func TestErrorLogThatNobodyReadsHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	write.Fd() // which makes it block, as an inherited one does
	log := zlog.New(newLogWriter(write))
	const each = 1000
	line := strings.Repeat("x", each)
	wait.Returns(t, "a full log", func() {
		for range 2 * maxUnread / each {
			log.Log(zlog.Notice, line)
		}
	})
	all, whole := make(chan string), strings.Builder{}
	go func() {
		io.Copy(&whole, read)
		all <- whole.String()
	}()
	wait.Returns(t, "a log that is read again", func() {
		for log.Settings().Stderr.(*logWriter).p.busy() {
			time.Sleep(time.Millisecond)
		}
		log.Log(zlog.Notice, "the last")
	})
	write.Close()
	text := <-all
	if !strings.HasSuffix(text, "NOTICE: the last\n") || !strings.Contains(text, "] WARNING: [log] ") || !strings.Contains(text, " lines are lost") {
		t.Errorf("it ends with %q", text[max(0, len(text)-300):])
	}
	for l := range strings.Lines(text) {
		if n := strings.Count(l, "x"); n != 0 && n != each {
			t.Errorf("a torn line: %.100q", l)
		}
	}
}

func (p *patient) busy() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.written != nil
}

func TestLogThatIsReadIsWrittenAtOnce(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	log := zlog.New(newLogWriter(write))
	for range 100 {
		log.Log(zlog.Notice, "a line")
		b := make([]byte, 200)
		if n, err := unix.Read(channel.RawFD(read), b); err != nil || !bytes.HasSuffix(b[:n], []byte("NOTICE: a line\n")) {
			t.Fatalf("%q, %v", b[:max(n, 0)], err)
		}
	}
}

// A stopped journald does not take what it is sent.
func TestSyslogThatDoesNotReadHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	w := newSyslog("php-fpm", 0)
	w.path = path
	wait.Returns(t, "syslog", func() {
		for range 5000 {
			w.write(zlog.Notice, strings.Repeat("x", 200))
		}
	})
	b := make([]byte, 1000)
	for {
		l.SetReadDeadline(time.Now().Add(wait.Patience))
		n, err := l.Read(b)
		if err != nil {
			t.Fatal("nothing is said of lines that are lost: ", err)
		}
		if strings.Contains(string(b[:n]), "[log] ") && strings.HasPrefix(string(b[:n]), "<4>") {
			return
		}
	}
}
