package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestChooseSuites(t *testing.T) {
	for _, c := range []struct {
		list string
		want string
	}{
		{"cli", "cli"},
		{"fpm,cli", "cli fpm"},
		{"sapi", "cli cgi fpm fpm-root"},
		{"sapi, cgi", "cli cgi fpm fpm-root"},
		{"all", "cli cgi fpm fpm-root zend tests standard ext"},
		{"nope", "error"},
		{"", "error"},
	} {
		chosen, err := chooseSuites(c.list)
		got := "error"
		if err == nil {
			var names []string
			for _, s := range chosen {
				names = append(names, s.Name)
			}
			got = strings.Join(names, " ")
		}
		if got != c.want {
			t.Errorf("%q: got %q, want %q", c.list, got, c.want)
		}
	}
}

func TestTestsAreChosenByPath(t *testing.T) {
	o, err := parseOptions([]string{"-run", "cli/", "-without", "2G|slow"})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{"cli/001.phpt": true, "cgi/001.phpt": false, "cli/upload_2G.phpt": false} {
		if o.isChosen(path) != want {
			t.Errorf("%s: chosen is %v, want %v", path, !want, want)
		}
	}
	if _, err := parseOptions([]string{"-without", "("}); err == nil {
		t.Error("-without '(' has no error")
	}
}

func TestParentIn(t *testing.T) {
	for _, c := range []struct {
		stat string
		want int
	}{
		{"7 (php) S 3 7 7", 3},
		{"7 (a) b (c) R 12 7", 12},
		{"7 (php) S", -1},
		{"", -1},
	} {
		if got := parentIn([]byte(c.stat)); got != c.want {
			t.Errorf("%q: got %d, want %d", c.stat, got, c.want)
		}
	}
}

// A daemon that left its parent and its process group is ended with the
// command that started it.
func TestDaemonLeftBehind(t *testing.T) {
	if err := becomeSubreaper(); err != nil {
		t.Fatal(err)
	}
	pidFile := filepath.Join(t.TempDir(), "pid")
	var output strings.Builder
	left, err := Command{
		Path:   "/bin/sh",
		Args:   []string{"-c", "echo said; setsid sh -c 'echo $$ > " + pidFile + "; exec sleep 60' & sleep 0.2"},
		Env:    os.Environ(),
		Output: &output,
	}.run(context.Background())
	if err != nil || left != 1 || output.String() != "said\n" {
		t.Errorf("left %d, error %v, output %q", left, err, output.String())
	}
	pid, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("/proc/" + strings.TrimSpace(string(pid))); err == nil {
		t.Errorf("process %s is still there", pid)
	}
}

func TestCommandTimesOut(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := Command{Path: "/bin/sleep", Args: []string{"60"}, Output: &strings.Builder{}}.run(ctx)
	if err == nil || time.Since(start) > 10*time.Second {
		t.Errorf("error %v after %v", err, time.Since(start))
	}
}

func TestArenaTests(t *testing.T) {
	a := &Arena{Dir: t.TempDir()}
	for _, name := range []string{"d/b.phpt", "d/e/a.phpt", "d/.hidden.phpt", "d/x.php", "f/c.phpt"} {
		path := a.path("src", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := a.tests(Suite{Dirs: []string{"d"}}, func(test string) bool { return test != "d/b.phpt" })
	if err != nil || !slices.Equal(got, []string{"d/e/a.phpt"}) {
		t.Errorf("got %v, %v", got, err)
	}
}
