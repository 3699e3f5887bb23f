package ini

import (
	"strings"
	"testing"
)

// FuzzParse wants an answer for any text: no panic, and no more statements
// than the text has bytes.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"[www]\nlisten = /run/x.sock\nenv[A] = \"${B}\"\n", "a = (~E_ALL | 1) & !2", "a = ''\n", "a=$\\${b}",
		"\xef\xbb\xbf[x", "a = \"C:\\\"\r\n", strings.Repeat("(", 50), "a[", "=", "a\x00b",
	} {
		f.Add(s)
	}
	env := Env{Constant: Constant, Variable: func(name string) (string, bool) { return name, true }}
	f.Fuzz(func(t *testing.T, s string) {
		n := 0
		err := Parse(s, env, func(Event) { n++ })
		if n > len(s)+1 {
			t.Errorf("%d statements in %d bytes", n, len(s))
		}
		if e, ok := err.(*SyntaxError); err != nil && (!ok || e.Line < 1 || e.Msg == "") {
			t.Errorf("bad error %#v", err)
		}
	})
}
