package conf

import (
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/test/serve"
)

func TestFnmatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"*.conf", "a.conf", true}, {"*.conf", ".conf", true}, {"*.conf", "a.confx", false},
		{"a?c", "abc", true}, {"a?c", "ac", false}, {"?", "ä", true}, {"?", "\xff", true},
		{"[a-c]x", "bx", true}, {"[!a-c]x", "bx", false}, {"[^a-c]x", "dx", true},
		{"[]]", "]", true}, {"[a", "[a", true}, {"[[:digit:]]", "5", true}, {"[[:nosuch:]]", "5", false},
		{`\*`, "*", true}, {`\*`, "a", false}, {`[\]]`, "]", true}, {"a**b", "axyb", true},
		{strings.Repeat("*a", 30), strings.Repeat("a", 60) + "b", false},
	} {
		if got := fnmatch(tt.pattern, tt.name); got != tt.want {
			t.Errorf("fnmatch(%q, %q) = %v", tt.pattern, tt.name, got)
		}
	}
}

// TestGlobLikeLibc compares with the C library's glob, through PHP.
func TestGlobLikeLibc(t *testing.T) {
	if testing.Short() {
		t.Skip("needs stock php")
	}
	dir := t.TempDir()
	t.Chdir(dir)
	names := []string{"a.conf", "b.conf", "ab.conf", ".hidden", "[x].conf", "x", "A", "1.conf", "é.conf", "d.conf/a.conf",
		"d.conf/.b.conf", "e/a.conf", "e/b", "e/f/a.conf", ".g/a.conf", "*", `back\slash`, "z]"}
	for _, name := range names {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"link": "a.conf", "dirlink": "e", "dangling": "nowhere", "e/up": ".."} {
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
	r := rand.New(rand.NewSource(*seed))
	pieces := []string{"a", "b", ".conf", "*", "*", "?", "/", "/", "d.conf", "e", "[a-c]", "[!a]", "[^.]", "[", "]", `\`, ".", "x", "*.conf",
		"[[:alpha:]]", "[a-", "link", "dirlink", "dangling", "up", "{a,b}", "~", "..", `\*`, `[\]]`, "-"}
	var patterns []string
	for range 3000 {
		p := dir + "/"
		for n := r.Intn(5); n >= 0; n-- {
			p += pieces[r.Intn(len(pieces))]
		}
		p = strings.ReplaceAll(p, `\/`, "/") // glob(3) itself is of two minds here
		patterns = append(patterns, p)
	}
	cmd := exec.Command(serve.Stock().CLI, "-n", "-d", "open_basedir=", "-r", `
		while (($p = fgets(STDIN)) !== false) {
			$found = glob(rtrim($p, "\n"), GLOB_ERR | GLOB_MARK);
			echo $found === false ? "aborted" : implode(" ", array_filter($found, fn($f) => !str_ends_with($f, "/"))), "\n";
		}`)
	cmd.Env = []string{"LC_ALL=C"}
	cmd.Stdin = strings.NewReader(strings.Join(patterns, "\n") + "\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("php is needed to compare with: %v", err)
	}
	sys := System{}.complete()
	bad := 0
	for i, want := range strings.Split(strings.TrimSuffix(string(out), "\n"), "\n") {
		found, ret := glob(&sys, patterns[i])
		got := strings.Join(found, " ")
		if ret == globAborted {
			got = "aborted"
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", strings.ReplaceAll(patterns[i], dir, ""), strings.ReplaceAll(got, dir, ""), strings.ReplaceAll(want, dir, ""))
			if bad++; bad == 15 {
				t.FailNow()
			}
		}
	}
}
