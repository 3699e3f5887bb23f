package conf

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestIdentifyLikeStock starts php-fpm with pools it can only get as far as
// their sockets with, and compares what it logs on the way there.
func TestIdentifyLikeStock(t *testing.T) {
	bin, _ := stock(t)
	for i, lines := range []string{
		"", "user = root\n", "user = nosuchuser\n", "group = nosuchgroup\n", "user = 4242\n", "user = 4242\ngroup = 4343\n",
		"user = 33\n", "user = 0\ngroup = 0\n", "user =\n", "user = www-data\ngroup = root\n",
		"chroot = DIR\nprocess.priority = 5\ngroup = daemon\n",
		"[global]\nprocess.priority = 5\n", "user = root\n-R", "user = nosuchuser\n-R", "[second]\nuser = root\nlisten = 9001\npm = ondemand\npm.max_children = 1\n",
	} {
		lines, root := strings.CutSuffix(lines, "-R")
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			dir := t.TempDir()
			c := configCase{files: []string{head + strings.Replace(base, "9000", "70000", 1) + lines}}
			c.write(t, dir)
			path := filepath.Join(dir, "php-fpm.conf")
			args := []string{"-n", "-F", "-y", path}
			if root {
				args = append(args, "-R")
			}
			cmd := exec.Command(bin, args...)
			cmd.Env = []string{"LC_ALL=C"}
			out, _ := cmd.CombinedOutput()
			var want strings.Builder
			for _, line := range strings.SplitAfter(normal(string(out), dir), "\n") {
				if line != "ERROR: invalid port value '70000'\n" && line != "ERROR: FPM initialization failed\n" {
					want.WriteString(line)
				}
			}
			var log linesLog
			opt := Options{Path: path, Log: &log, AllowRoot: root}
			if cfg, err := Load(opt); err != nil {
				t.Fatal(err)
			} else if _, err = Identify(cfg, opt); err != nil && os.Geteuid() != 0 {
				t.Error(err)
			}
			if got := log.String(); got != want.String() {
				t.Errorf("%s got\n%s\nwant\n%s", lines, got, want.String())
			}
		})
	}
}
