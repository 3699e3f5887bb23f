package postmortem

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

func TestEndingIsWordedAsPHPFPMDoes(t *testing.T) {
	for status, want := range map[syscall.WaitStatus]struct {
		how   string
		level zlog.Level
	}{
		0:                                   {"with code 0", zlog.Notice},
		70 << 8:                             {"with code 70", zlog.Warning},
		syscall.WaitStatus(syscall.SIGQUIT): {"on signal 3 (SIGQUIT)", zlog.Notice},
		syscall.WaitStatus(syscall.SIGTERM): {"on signal 15 (SIGTERM)", zlog.Warning},
		syscall.WaitStatus(syscall.SIGSEGV) | 0x80: {"on signal 11 (SIGSEGV - core dumped)", zlog.Warning},
	} {
		if how, level := Ending(status); how != want.how || level != want.level {
			t.Errorf("%#x: %q, %v; want %q, %v", uint32(status), how, level, want.how, want.level)
		}
	}
}

// The pipe is open to scripts.
func TestCrashOutputIsCleanAndBounded(t *testing.T) {
	p, err := NewCrashes()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	const panicked = syscall.WaitStatus(2 << 8)
	text := "panic: x\n\n\tat\x1b[2J y\r\n" + strings.Repeat("line\n", 5000)
	p.In().WriteString(text)
	if got := p.Lines(0); got != nil {
		t.Errorf("of a process without a panic: %q", got)
	}
	got := p.Lines(panicked)
	if len(got) != maxCrashLine || got[0] != "panic: x" || got[1] != " at?[2J y" {
		t.Errorf("%d lines, the first %q", len(got), got[:min(len(got), 2)])
	}
	if got := p.Lines(panicked); got != nil {
		t.Errorf("then %q", got)
	}
}

// The number of a descriptor that is closed may be that of another file by then.
func TestCrashesAreClosedOnce(t *testing.T) {
	p, err := NewCrashes()
	if err != nil {
		t.Fatal(err)
	}
	out := p.out
	p.Close()
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if null != out {
		if err := unix.Dup3(null, out, unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		defer unix.Close(null)
	}
	p.Close()
	if err := unix.Close(out); err != nil {
		t.Errorf("another file was closed: %v", err)
	}
}
