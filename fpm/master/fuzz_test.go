package master

import (
	"strings"
	"testing"
	"unicode"

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
