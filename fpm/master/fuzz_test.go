package master

import (
	"bytes"
	"strings"
	"testing"
	"unicode"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// isPlain reports whether a line has no control characters, which would end it or speak to a terminal. Bytes that are no UTF-8 may be
// there: a script's message is in whatever character set it likes.
func isPlain(line string) bool {
	return !strings.ContainsFunc(line, func(r rune) bool { return unicode.IsControl(r) })
}

// FuzzWorkerMessage gives the master what a hostile worker says: of a message for the log comes one line, of a level that there is.
func FuzzWorkerMessage(f *testing.F) {
	f.Add("3hello")
	f.Add("4a\n[27-Nov-2026 00:00:00] NOTICE: forged\x1b[2J\u0085\u009b")
	f.Add("9")
	f.Add("1\xc2")
	f.Fuzz(func(t *testing.T, text string) {
		level, line, ok := message(text)
		if ok && (level < zlog.Debug || level > zlog.Alert || !isPlain(line) || len(line) != len(text)-1) {
			t.Errorf("%q became %v %q", text, level, line)
		}
	})
}

// FuzzOutput gives the master what a hostile worker writes to its two pipes, in any pieces: each line of the log begins as the log's
// lines do, and a mark that is cut in two is one still.
func FuzzOutput(f *testing.F) {
	f.Add([]byte("hello\nworld"), []byte("more"), uint8(3))
	f.Add([]byte("a"+flushMark+"b\x00fs"), []byte("cf\x00"), uint8(1))
	f.Add(bytes.Repeat([]byte("\n[27-Nov-2026 00:00:00] NOTICE: forged"), 50), []byte("\x00fscf"), uint8(200))
	f.Fuzz(func(t *testing.T, stdout, stderr []byte, piece uint8) {
		var written bytes.Buffer
		log := zlog.New(&written)
		c := &child{pool: &pool{conf: &conf.Pool{Name: "www", DecorateWorkersOutput: true}}, pid: 7}
		o := &output{child: c}
		for pipes := [2][]byte{stdout, stderr}; len(pipes[0])+len(pipes[1]) > 0; {
			for i, text := range pipes {
				n := min(len(text), 1+int(piece))
				o.take(log, i, text[:n])
				pipes[i] = text[n:]
				if len(o.held[i]) >= len(flushMark) {
					t.Fatalf("%d bytes are held back", len(o.held[i]))
				}
			}
		}
		if o.stream != nil {
			o.stream.Finish()
		}
		for line := range strings.Lines(written.String()) {
			if !strings.HasPrefix(line, "[") || !strings.Contains(line, "] WARNING: [pool www] child 7 said into std") || !strings.HasSuffix(line, "\n") {
				t.Errorf("the log has the line %q", line)
			}
		}
	})
}
