package zlog

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"time"
)

func testLog(change func(*Settings)) (*Log, *bytes.Buffer, *bytes.Buffer) {
	stderr, file := &bytes.Buffer{}, &bytes.Buffer{}
	l := New(stderr)
	l.Configure(func(s *Settings) {
		s.Now = func() time.Time { return time.Date(2026, 11, 21, 20, 47, 35, 1234000, time.Local) }
		s.Pid = 7
		if change != nil {
			change(s)
		}
		if s.File != nil {
			s.File = file
		}
	})
	return l, stderr, file
}

func toFile(s *Settings) { s.File = &bytes.Buffer{} }

func TestLog(t *testing.T) {
	const at = "[21-Nov-2026 20:47:35] "
	tests := []struct {
		name         string
		change       func(*Settings)
		log          func(*Log)
		stderr, file string
	}{
		{"to stderr", nil, func(l *Log) { l.Logf(Notice, "fpm is running, pid %d", 7) }, at + "NOTICE: fpm is running, pid 7\n", ""},
		{"below the level", nil, func(l *Log) { l.Log(Debug, "x") }, "", ""},
		{"system error", nil, func(l *Log) {
			l.LogErr(Error, "failed to open error_log (/x)", &fs.PathError{Op: "open", Path: "/x", Err: syscall.ENOENT})
		}, at + "ERROR: failed to open error_log (/x): No such file or directory (2)\n", ""},
		{"no system error", nil, func(l *Log) { l.LogErr(Error, "x", nil) }, at + "ERROR: x: Success (0)\n", ""},
		{"file and stderr until launched", toFile, func(l *Log) { l.Log(Alert, "x") }, at + "ALERT: x\n", at + "ALERT: x\n"},
		{"file that is stderr", func(s *Settings) { toFile(s); s.FileIsStderr = true }, func(l *Log) { l.Log(Alert, "x") }, "", at + "ALERT: x\n"},
		{"file alone afterwards", func(s *Settings) { toFile(s); s.Launched = true }, func(l *Log) { l.Log(Warning, "x") }, "", at + "WARNING: x\n"},
		{"child", func(s *Settings) { s.Child = true }, func(l *Log) { l.Log(Warning, "x") }, "WARNING: x\n", ""},
		{"debug", func(s *Settings) { s.Level = Debug }, func(l *Log) { l.Log(Notice, "x") }, "[21-Nov-2026 20:47:35.001234] NOTICE: pid 7, TestLog(), line LINE: x\n", ""},
		{"long message", nil, func(l *Log) { l.Log(Notice, strings.Repeat("a", 1500)) }, at + "NOTICE: " + strings.Repeat("a", 1500) + "\n", ""},
		{"very long message is cut at log_limit", nil, func(l *Log) { l.Log(Notice, strings.Repeat("a", 3000)) }, at + "NOTICE: " + strings.Repeat("a", 1024-1-3-31) + "...\n", ""},
		{"long system error is cut at log_limit", nil, func(l *Log) { l.LogErr(Error, strings.Repeat("a", 1500), syscall.EPERM) }, at + "ERROR: " + strings.Repeat("a", 1024-1-3-30) + "...\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, stderr, file := testLog(tt.change)
			tt.log(l)
			got := stderr.String()
			if _, rest, ok := strings.Cut(got, "line "); ok && strings.Contains(tt.stderr, "LINE") {
				n, _, _ := strings.Cut(rest, ":")
				got = strings.Replace(got, "line "+n, "line LINE", 1)
			}
			if got != tt.stderr {
				t.Errorf("stderr\n got %q\nwant %q", got, tt.stderr)
			}
			if got := file.String(); got != tt.file {
				t.Errorf("file\n got %q\nwant %q", got, tt.file)
			}
		})
	}
}

func TestSyslogGetsTheLogsLevel(t *testing.T) {
	var got []string
	l, stderr, _ := testLog(func(s *Settings) {
		s.Syslog = func(level Level, line string) { got = append(got, fmt.Sprint(level, " ", line)) }
	})
	l.Log(Error, "x")
	if want := "NOTICE [ERROR] x"; len(got) != 1 || got[0] != want {
		t.Errorf("syslog got %q, want %q", got, want)
	}
	if want := "[ERROR] x\n"; stderr.String() != want {
		t.Errorf("stderr got %q, want %q", stderr, want)
	}
}

func TestExternalGetsEverything(t *testing.T) {
	var got []string
	l, stderr, _ := testLog(func(s *Settings) {
		s.External = func(level Level, msg string) bool {
			got = append(got, level.String()+" "+msg)
			return msg == "enough"
		}
	})
	l.Log(Debug, "a")
	l.Msg(Notice, "PHP message: ", "b")
	l.Log(Notice, "enough")
	if want := "DEBUG a|NOTICE PHP message: b|NOTICE enough"; strings.Join(got, "|") != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := stderr.String(); strings.Contains(got, "enough") || !strings.Contains(got, "b") {
		t.Errorf("stderr got %q", got)
	}
}

func TestStrerror(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{syscall.EACCES, "Permission denied (13)"},
		{fmt.Errorf("x: %w", syscall.EADDRINUSE), "Address already in use (98)"},
		{syscall.ENOTTY, "Inappropriate ioctl for device (25)"},
		{syscall.ERFKILL, "Operation not possible due to RF-kill (132)"},
		{syscall.Errno(4000), "Unknown error 4000 (4000)"},
		{errors.New("odd"), "odd"},
	} {
		if got := Strerror(tt.err); got != tt.want {
			t.Errorf("Strerror(%v) = %q, want %q", tt.err, got, tt.want)
		}
	}
}

// said feeds a stream as php-fpm's master feeds a child's output: in pieces of
// at most 1023 bytes, a line end being the end of the line.
func said(t *Stream, s string) {
	for s != "" {
		n := min(1023, len(s))
		piece := s[:n]
		s = s[n:]
		for {
			line, rest, ok := strings.Cut(piece, "\n")
			t.Write(line)
			if !ok {
				break
			}
			t.Finish()
			piece = rest
		}
	}
}

// TestChildOutput expects what php-fpm 8.2.36 wrote for the same output of a
// child: the number of payload bytes per line.
func TestChildOutput(t *testing.T) {
	const head = `[21-Nov-2026 20:47:35] WARNING: [pool unconfined] child 19815 said into stderr: "`
	a := func(n int) string { return strings.Repeat("a", n) }
	tests := []struct {
		name     string
		limit    int
		level    Level
		decorate bool
		in       string
		want     []int // payload per line
		open     string
		close    string
	}{
		{"2048", 1050, Notice, true, a(2048) + "\n", []int{967, 967, 114}, head, `"`},
		{"2900", 1050, Notice, true, a(2900) + "\n", []int{967, 967, 966}, head, `"`},
		{"two writes", 1050, Notice, true, a(2150) + "\n", []int{967, 967, 216}, head, `"`},
		{"short", 600, Notice, true, a(500) + "\n", []int{500}, head, `"`},
		{"just fits", 600, Notice, true, a(517) + "\n", []int{517}, head, `"`},
		{"one too many", 600, Notice, true, a(518) + "\n", []int{517, 1}, head, `"`},
		{"two lines", 600, Notice, true, a(5) + "\n" + a(6) + "\n", []int{5, 6}, head, `"`},
		{"empty line", 600, Notice, true, "\n" + a(6) + "\n", []int{6}, head, `"`},
		{"undecorated", 600, Notice, false, a(2048) + "\n" + a(10) + "\n", []int{599, 599, 599, 251, 10}, "", ""},
		{"level above", 600, Error, true, a(2048) + "\n", []int{598, 598, 598, 254}, "", `"`},
	}
	for _, tt := range tests {
		for _, buffering := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s buffering %v", tt.name, buffering), func(t *testing.T) {
				l, stderr, _ := testLog(func(s *Settings) {
					s.Limit, s.Level, s.Buffering = tt.limit, tt.level, buffering
				})
				st := l.StderrStream(Warning)
				st.SetDecorating(tt.decorate)
				st.SetPrefix("[pool unconfined] child 19815 said into stderr: ")
				st.SetQuoting(true)
				said(st, tt.in)
				var want strings.Builder
				for _, n := range tt.want {
					want.WriteString(tt.open + a(n) + tt.close + "\n")
				}
				if stderr.String() != want.String() {
					t.Errorf("got\n%s\nwant\n%s", stderr, want.String())
				}
			})
		}
	}
}

func TestBufferedStreamWritesWholeLines(t *testing.T) {
	var writes []string
	l, _, _ := testLog(func(s *Settings) { s.Stderr = writerFunc(func(b []byte) { writes = append(writes, string(b)) }) })
	st := l.Stream(Notice)
	st.Write("a")
	st.Write("b")
	st.Finish()
	if want := []string{"[21-Nov-2026 20:47:35] NOTICE: ab\n"}; strings.Join(writes, "|") != want[0] {
		t.Errorf("got %q, want %q", writes, want)
	}
}

func TestPipeIsClosed(t *testing.T) {
	for _, buffering := range []bool{true, false} {
		l, stderr, _ := testLog(func(s *Settings) { s.Buffering = buffering })
		st := l.StderrStream(Warning)
		st.SetDecorating(true)
		st.SetPrefix("[pool www] child 9 said into stdout: ")
		st.SetQuoting(true)
		st.Write("half a line")
		st.SetSuffix("", ", pipe is closed")
		st.Finish()
		want := "[21-Nov-2026 20:47:35] WARNING: [pool www] child 9 said into stdout: \"half a line\", pipe is closed\n"
		if stderr.String() != want {
			t.Errorf("buffering %v\n got %q\nwant %q", buffering, stderr, want)
		}
	}
}

func TestUnwrappedStreamIsCut(t *testing.T) {
	l, stderr, _ := testLog(func(s *Settings) { s.Limit = 600 })
	l.Msg(Notice, "PHP message: ", strings.Repeat("c", 700))
	line := stderr.String()
	if len(line) != 600 || !strings.HasSuffix(line, "cc...\n") {
		t.Errorf("%d bytes: %q", len(line), line)
	}
}

// FuzzStream wants lines within the limit and no lost byte, whatever the
// pieces.
func FuzzStream(f *testing.F) {
	f.Add("hello\nworld", uint16(600), uint8(7), true)
	f.Fuzz(func(t *testing.T, in string, limit uint16, piece uint8, buffering bool) {
		in = strings.Map(func(r rune) rune { return 'a' + r%20 }, in)
		l, stderr, _ := testLog(func(s *Settings) {
			s.Limit, s.Buffering = MinLimit+int(limit), buffering
		})
		st := l.StderrStream(Warning)
		st.SetDecorating(true)
		st.SetPrefix("P")
		st.SetQuoting(true)
		for s := in; s != ""; {
			n := min(len(s), 1+int(piece))
			st.Write(s[:n])
			s = s[n:]
		}
		st.Finish()
		var got strings.Builder
		for _, line := range strings.Split(strings.TrimSuffix(stderr.String(), "\n"), "\n") {
			if len(line) >= MinLimit+int(limit) {
				t.Errorf("line of %d bytes, limit %d", len(line), MinLimit+int(limit))
			}
			_, payload, _ := strings.Cut(line, `WARNING: P"`)
			got.WriteString(strings.TrimSuffix(payload, `"`))
		}
		if got.String() != in {
			t.Errorf("got %q, want %q", got.String(), in)
		}
	})
}

type writerFunc func([]byte)

func (f writerFunc) Write(b []byte) (int, error) { f(b); return len(b), nil }
