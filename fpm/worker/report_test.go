package worker

import (
	"regexp"
	"syscall"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/sapi"
)

// A worker that dies leaves in its slot what PHP and C were doing.
func TestReportOfADeath(t *testing.T) {
	t.Parallel()
	const deep = "<?php\nfunction deep() {\n\t%s;\n}\nfunction outer() {\n\tdeep();\n}\nouter();"
	for name, c := range map[string]struct {
		script string
		signal syscall.Signal // 0: C's exit
		report string
	}{
		"a sent SIGSEGV": {"posix_kill(getmypid(), 11); sleep(5)", syscall.SIGSEGV, `^S 11 0 0x0 \d+\nP posix_kill\(\) PATH:3\nP deep\(\) PATH:6\nP outer\(\) PATH:8\nP \{main\}.*\n(C .*\n)*C libphp8\.\d\.so execute_ex\+0x`},
		"a bad address":  {"FFI::string(FFI::new('char*'), 10)", syscall.SIGSEGV, `^S 11 \d+ 0x\w+ 0\nP string\(\) PATH:3\nP deep\(\)(.*\n)*C libphp8\.\d\.so execute_ex\+0x`},
		"abort":          {"FFI::cdef('void abort(void);')->abort()", syscall.SIGABRT, `^S 6 -6 0x0 \d+\nP abort\(\) PATH:3\n(.*\n)*C libc\.so\.6 abort\+0x\w+\n`},
		"SIGTERM":        {"posix_kill(getmypid(), 15); sleep(5)", syscall.SIGTERM, `^S 15 0 0x0 \d+\nP posix_kill\(\) PATH:3\n`},
		"exit":           {"FFI::cdef('void exit(int);')->exit(3)", 0, `^E\nP exit\(\) PATH:3\nP deep\(\) PATH:6\n(.*\n)*C libc\.so\.6 exit\+0x`},
		"a destroyed stack": {"$top = 0; foreach (file('/proc/self/maps') as $line) if (str_contains($line, '[stack]')) $top = hexdec(explode(' ', explode('-', $line)[1])[0]);" +
			"$f = FFI::cdef('void *memset(size_t, int, size_t);'); for ($n = 64; $n < 1 << 20; $n += 64) { $f->memset($top - $n, 0x41, 64); } posix_kill(getmypid(), 11)",
			syscall.SIGSEGV, `^S 11 [\d-]+ 0x\w+ \d+\nP (?:\S+\(\)|\?\?\?) PATH:3\nP deep\(\) PATH:6\nP outer\(\) PATH:8\n`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPool(t, nil, sapi.Setting{Name: "extension", Value: "posix"}, sapi.Setting{Name: "extension", Value: "ffi"},
				sapi.Setting{Name: "ffi.enable", Value: "1"})
			p.spawn()
			path := p.write("a.php", regexp.MustCompile("%s").ReplaceAllLiteralString(deep, c.script))
			conn := dial(t, p.Socket)
			defer conn.Close()
			go get(p.Dir, "a.php").Send(conn)
			e := p.exit()
			if c.signal != 0 && (!e.Status.Signaled() || e.Status.Signal() != c.signal) || c.signal == 0 && e.Status.ExitStatus() != 3 {
				t.Errorf("it ended with %v %v", e.Status.Signal(), e.Status.ExitStatus())
			}
			want := regexp.MustCompile(regexp.MustCompile("PATH").ReplaceAllLiteralString(c.report, regexp.QuoteMeta(path)))
			if got := p.board.Report(0); !want.MatchString(got) {
				t.Errorf("got %s\nwant %s", got, want)
			}
			if got := p.board.Sent(0); got != scoreboard.SentNothing {
				t.Errorf("the client has got %d", got)
			}
		})
	}
}
