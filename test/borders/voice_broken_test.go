package borders

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// Each habit in a comment of Go and of C, in a message and in a document; and sentences that only look like it.
func TestBrokenVoice(t *testing.T) {
	for _, test := range []struct{ habit, bad, fine string }{
		{"who", "It is told to who asked for it.", "Who may connect? Everybody who asks. The client who waits is told."},
		{"who", "Who sends no more takes no buffer.", "A client that sends no more takes no buffer."},
		{"who", "whoever comes next takes the lock.", "the process that comes next takes the lock."},
		{"behind", "the byte that stands behind it", "a pool behind nginx, and what it leaves behind"},
		{"is no", "The path is no directory.", "There is no directory, and it is no longer needed."},
		{"has not", "a pool that php-fpm.conf has not.", "It has not been read, and lacks an end."},
		{"begin", "at the begin of the text", "at the beginning; requests begin"},
		{"whether", "ready says whether it is.", "ready reports whether it is; nobody can tell whether it is."},
		{"where there is none", "empty where there is none", "empty if there is none"},
		{"goes on", "The old one goes on serving.", "The old one keeps serving; it goes to the log."},
		{"odd word", "It is made anew.", "It is made again."},
		{"odd word", "The request in hand ends.", "The current request ends."},
	} {
		in := map[string]func(text string) string{
			"a.go": func(text string) string { return "package a\n\n// A comment.\n// " + text + "\nvar a int\n" },
			"b.go": func(text string) string { return "package b\n\n\nvar b = \"" + text + "\"\n" },
			"c.c":  func(text string) string { return "int c;\n\n/* A comment.\n * " + text + " */\n" },
			"d.c":  func(text string) string { return "char *d;\n\n\nchar *e = \"" + text + "\";\n" },
			"e.md": func(text string) string { return "# Title\n\nA paragraph.\n" + text + "\n" },
		}
		for name, write := range in {
			for text, want := range map[string]bool{test.bad: true, test.fine: false} {
				wrong, err := voice(fstest.MapFS{name: {Data: []byte(write(text))}})
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				found := len(wrong) == 1 && strings.HasPrefix(wrong[0], name+":4: ") && strings.HasSuffix(wrong[0], ": write "+insteadOf(test.habit))
				if found != want || !want && wrong != nil {
					t.Errorf("%s, habit %q: of %q the lint said %q", name, test.habit, text, wrong)
				}
			}
		}
	}
}

func insteadOf(name string) string {
	return habits[slices.IndexFunc(habits, func(h habit) bool { return h.name == name })].instead
}

// A habit across two lines, "gives" in doc comments, and code, in which words mean something else.
func TestVoiceOfTexts(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"a.go", "package a\n\n// It is so. The text says\n// whether it is.\nvar a int\n", `a.go:3: "says whether": write "reports whether"`},
		{"a.go", "package a\n\n// a gives the number.\nfunc a() int { return 1 }\n", `a.go:3: gives: write "returns"`},
		{"a.go", "package a\n\n// a gives it a number.\nfunc a() {}\n", ""},
		{"a.go", "package a\n\n// It is so:\n//\n//\tif it goes on\nvar a int\n", ""},
		{"a.md", "Write `goes on`.\n\n    it goes on\n\n```\nit goes on\n```\n", ""},
		{"a.md", "Write:\n\n    it goes on\n\nIt goes on.\n", `a.md:5: "goes on": write "continues", "keeps ...ing"`},
		{"a/testdata/a.md", "It goes on.\n", ""},
	} {
		wrong, err := voice(fstest.MapFS{test.name: {Data: []byte(test.text)}})
		if err != nil || strings.Join(wrong, "\n") != test.want {
			t.Errorf("of %q the lint said %q, %v, want %q", test.text, wrong, err, test.want)
		}
	}
}
