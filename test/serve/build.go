package serve

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Build builds phpsapi in a directory, with the links php, php-cgi and php-fpm, and lets everybody enter it: servers
// execute phpsapi as users of their own.
//
// The program is linked once for all packages that test it: go run keeps what it has linked in Go's cache, which go build
// does not. The package that comes first links, and the others wait for it. go run would leave out the symbols, by which tests
// count functions (test/probe).
func Build(dir string) error {
	const module = "github.com/phpsapi/phpsapi"
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output() // test/e2e is another module
	if err != nil {
		return fmt.Errorf("the sources of phpsapi are not found: %w", err)
	}
	sources, err := os.Open(strings.TrimSpace(string(root)))
	if err != nil {
		return err
	}
	defer sources.Close()
	if err := syscall.Flock(int(sources.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", sources.Name(), err)
	}
	build := exec.Command("go", "run", "-buildvcs=false", "-ldflags=-s=false", "-exec", "cp", module, filepath.Join(dir, "phpsapi"))
	build.Dir, build.Stderr = sources.Name(), os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("phpsapi cannot be built: %w", err)
	}
	for _, name := range []string{"php", "php-cgi", "php-fpm"} {
		if err := os.Symlink("phpsapi", filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return os.Chmod(dir, 0o755)
}

// metricsVariable is the setting metrics.listen.
const metricsVariable = "PHPSAPI_METRICS_LISTEN"

// Environ returns os.Environ without the setting of metrics that Main makes for the tests.
func Environ() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, metricsVariable+"=") })
}

// built is the directory with what Build has made for Main.
var built string

// Program returns the path of the program that Main has built, by one of its names: phpsapi, php, php-cgi or php-fpm.
func Program(name string) string { return filepath.Join(built, name) }

// Main runs a package's tests, whose status it returns, while there is a directory with what Build makes. prepare gets
// the directory before they run; it may be nil.
func Main(m interface{ Run() int }, prepare func(dir string) error) int {
	status, err := run(m, prepare)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return status
}

func run(m interface{ Run() int }, prepare func(dir string) error) (status int, err error) {
	dir, err := os.MkdirTemp("", "phpsapi-test-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if err := Build(dir); err != nil {
		return 0, err
	}
	built = dir
	if prepare != nil {
		if err := prepare(dir); err != nil {
			return 0, err
		}
	}
	// Programs that die in tests on purpose leave no core files behind.
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return 0, err
	}
	// nohup's SIG_IGN would be that of all programs that the tests start, and a SIGHUP would end none of them.
	if signal.Ignored(syscall.SIGHUP) {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	// A service without a php-fpm.conf would have an observer, at the one address that all such services would like.
	if _, set := os.LookupEnv(metricsVariable); !set {
		os.Setenv(metricsVariable, "off")
	}
	return m.Run(), nil
}
