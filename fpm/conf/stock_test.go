package conf

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/conf/ini"
	"github.com/phpsapi/phpsapi/fpm/logfile"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
)

var (
	seed  = flag.Int64("conf.seed", 8236, "seed of the generated configurations")
	count = flag.Int("conf.count", 150, "number of generated configurations")
)

// stock finds stock php-fpm, which this package must not differ from.
// Without it the tests that compare fail, unless -short is given.
func stock(t *testing.T) (path, version string) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs stock php-fpm")
	}
	if err := serve.Stock().Installed(); err != nil {
		t.Fatal(err)
	}
	path = serve.Stock().FPM
	out, err := exec.Command(path, "-n", "-v").Output()
	if err != nil {
		t.Fatal(err)
	}
	return path, strings.Fields(string(out))[1]
}

// A configCase is files and how they are tested. DIR in them is the directory
// they are in; stderr is named LOG there.
type configCase struct {
	name  string
	files []string // main file, then name and text of others
	args  []string // for php-fpm, beside -y
	env   []string
	dirs  []string
}

func (c *configCase) write(t *testing.T, dir string) {
	for _, d := range c.dirs {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	put := func(name, text string) {
		files.Write(t, filepath.Join(dir, name), strings.ReplaceAll(text, "DIR", dir))
	}
	put("php-fpm.conf", c.files[0])
	for i := 1; i+1 < len(c.files); i += 2 {
		put(c.files[i], c.files[i+1])
	}
}

var (
	lineTime = regexp.MustCompile(`(?m)^\[\d\d-\w{3}-\d{4} \d\d:\d\d:\d\d(\.\d{6})?\] `)
	debugAt  = regexp.MustCompile(`: pid \d+, \w+\(\), line \d+: `)
)

func normal(s, dir string) string {
	s = lineTime.ReplaceAllString(s, "")
	s = debugAt.ReplaceAllString(s, ": ")
	return strings.ReplaceAll(s, dir, "DIR")
}

// compare runs a case through both.
func compare(t *testing.T, bin, version string, c configCase, ttDump bool) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	c.write(t, dir)
	for i := range c.args {
		c.args[i] = strings.ReplaceAll(c.args[i], "DIR", dir)
	}
	env := append([]string{"LC_ALL=C", "LISTEN=127.0.0.1:9001", "YES=yes", "EMPTY=", "N=3"}, c.env...)

	flags := "-t"
	if ttDump {
		flags = "-tt"
	}
	cmd := exec.Command(bin, append([]string{"-n", flags, "-y", filepath.Join(dir, "php-fpm.conf")}, c.args...)...)
	cmd.Env = env
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	want := fmt.Sprintf("%sexit %d\n", normal(string(out), dir), cmd.ProcessState.ExitCode())

	got, ours := ourCheck(dir, version, c.args, env, ttDump)
	got = normal(got, dir)
	if got != want {
		t.Errorf("%s (- php-fpm, + ours)\n%s\n--- file\n%s", c.name, difference(want, got), strings.Join(c.files, "\n---\n"))
	}
	if (ours == nil) != (cmd.ProcessState.ExitCode() == 0) {
		t.Errorf("%s: error %v, but exit %d", c.name, ours, cmd.ProcessState.ExitCode())
	}
}

// difference shows the lines between the equal beginning and the equal end.
func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for len(w) > 0 && len(g) > 0 && w[0] == g[0] {
		w, g = w[1:], g[1:]
	}
	for len(w) > 0 && len(g) > 0 && w[len(w)-1] == g[len(g)-1] {
		w, g = w[:len(w)-1], g[:len(g)-1]
	}
	return "- " + strings.Join(w, "\n- ") + "\n+ " + strings.Join(g, "\n+ ")
}

// ourCheck is php-fpm -t with the log as php-fpm has it then: on stderr, and
// from the opening of the error log on there too.
func ourCheck(dir, version string, args, env []string, dump bool) (string, error) {
	var stderr bytes.Buffer
	log := zlog.New(&stderr)
	opt := Options{
		Path:     filepath.Join(dir, "php-fpm.conf"),
		Log:      log,
		Stderr:   &stderr,
		PHP:      sapi.ParsePHPVersion(version),
		Constant: ini.VersionConstant(func() string { return version }),
		System: System{
			Getenv: func(name string) (string, bool) {
				for _, v := range env {
					if k, v, _ := strings.Cut(v, "="); k == name {
						return v, true
					}
				}
				return "", false
			},
		},
	}
	opt.System.OpenErrorLog = func(g *Global) error {
		if !g.Syslog() {
			if err := logfile.Check(g.ErrorLog.Value); err != nil {
				return err
			}
		}
		log.Configure(func(s *zlog.Settings) {
			s.Limit, s.Buffering = g.LogLimit, g.LogBuffering
			if g.LogLevel != 0 {
				s.Level = g.LogLevel
			}
			s.File = io.Discard
			if g.Syslog() {
				s.Syslog = func(zlog.Level, string) {}
			}
		})
		return nil
	}
	for i := 0; i < len(args); i++ {
		switch args[i] {
		case "-p":
			opt.Prefix = setText(args[i+1])
			i++
		case "-g":
			opt.Pid = args[i+1]
			i++
		case "-R":
			opt.AllowRoot = true
		case "-D", "-F":
			daemonize := args[i] == "-D"
			opt.Daemonize = &daemonize
		}
	}
	exit, err := Check(opt, dump)
	return fmt.Sprintf("%sexit %d\n", stderr.String(), exit), err
}

// TestLikeStock runs every case through php-fpm -t and -tt and through Check, and
// compares what is logged, line by line, and the exit code.
func TestLikeStock(t *testing.T) {
	bin, version := stock(t)
	for _, c := range configCases() {
		t.Run(c.name, func(t *testing.T) {
			compare(t, bin, version, c, true)
			if strings.HasPrefix(c.name, "debian") {
				compare(t, bin, version, c, false)
			}
		})
	}
}

// TestGeneratedLikeStock does the same with configurations put together from
// directives and values that are right, wrong and odd.
func TestGeneratedLikeStock(t *testing.T) {
	bin, version := stock(t)
	r := rand.New(rand.NewSource(*seed))
	for i := range *count {
		c := generateConfig(r, i)
		t.Run(c.name, func(t *testing.T) { compare(t, bin, version, c, true) })
		if t.Failed() {
			return
		}
	}
}
