package conf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A service must be found while its configuration is being edited.
func TestPidFileIsFound(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "DIR", dir)), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	set := func([]string) ([]Setting, error) { return []Setting{{Name: "pid", Value: "/s.pid"}}, nil }
	write("global.inc", "[global]\npid = run/included.pid\n")
	for name, c := range map[string]struct {
		text string
		opt  Options
		want string
	}{
		"absolute":      {text: "[global]\npid = /x/y.pid\n[www]\n", want: "/x/y.pid"},
		"relative":      {text: "[global]\npid = run/y.pid\n", want: "/var/run/y.pid"},
		"prefix":        {text: "[global]\npid = run/y.pid\n", opt: Options{Prefix: setText(dir)}, want: dir + "/run/y.pid"},
		"included":      {text: "include = DIR/global.inc\n", want: "/var/run/included.pid"},
		"none":          {text: "[www]\nlisten = 9000\n", want: ""},
		"command line":  {text: "[www]\nlisten = 9000\n", opt: Options{Pid: "/g.pid"}, want: "/g.pid"},
		"both":          {text: "[global]\npid = /y.pid\n", opt: Options{Pid: "/g.pid"}, want: "/y.pid"},
		"setting":       {text: "[global]\npid = /y.pid\n", opt: Options{Overrides: set}, want: "/s.pid"},
		"wrong later":   {text: "[global]\npid = /y.pid\nnonsense = 1\n", want: "/y.pid"},
		"no pool":       {text: "[global]\npid = /y.pid\nlog_limit = 1\n", want: "/y.pid"},
		"no such group": {text: "[global]\npid = /y.pid\n[www]\nlisten = 1\ngroup = nobody here\n", want: "/y.pid"},
	} {
		c.opt.Path = write("fpm.conf", c.text)
		config, pid := PidFile(c.opt)
		if config != c.opt.Path || pid != c.want {
			t.Errorf("%s: got %q of %q, want %q", name, pid, config, c.want)
		}
	}
	if config, pid := PidFile(Options{Path: "/nowhere"}); config != "/nowhere" || pid != "" {
		t.Errorf("no file: got %q, %q", config, pid)
	}
}
