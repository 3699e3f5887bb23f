package starts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
)

var programs string // the directory of phpsapi and its links

func TestMain(m *testing.M) {
	os.Exit(serve.Main(m, func(dir string) error {
		programs = dir
		return nil
	}))
}

// start is a start that must fail. DIR is a directory of the test's, PORT a port in use. A command line that begins with
// php-fpm and has no -y gets the configuration of a sound pool with the lines of global and pool.
type start struct {
	command      string
	global, pool string
	environment  string
	limits       string // options of prlimit(1)
	root         bool   // only root can try this
	alone        bool   // as a user who has no other process
	want         string // in what it says
}

const noEngine = "PHPSAPI_ENGINE=/none.so"

// withGo has a command line start as those do that are not ordinary: see lifecycle/start.h.
const withGo = "PHPSAPI_START=go"

// noThreads is what is said if the program itself cannot begin.
const noThreads = "cannot create a thread .*: giving up; raise pids.max"

var starts = map[string]start{
	"fpm/port":                        {command: "php-fpm -F", pool: "listen = 127.0.0.1:PORT", want: "unable to bind listening socket for address '127.0.0.1:PORT'"},
	"fpm/port of a daemon":            {command: "php-fpm -D", pool: "listen = 127.0.0.1:PORT", want: "unable to bind listening socket for address '127.0.0.1:PORT'"},
	"fpm/socket's directory":          {command: "php-fpm -F", pool: "listen = /none/sock", want: "unable to bind listening socket for address '/none/sock'"},
	"fpm/user":                        {command: "php-fpm -F", pool: "user = nobody-at-all", root: true, want: "cannot get uid for user 'nobody-at-all'"},
	"fpm/owner":                       {command: "php-fpm -F", pool: "listen.owner = nobody-at-all", root: true, want: "cannot get uid for user 'nobody-at-all'"},
	"fpm/error log":                   {command: "php-fpm -F", global: "error_log = /none/log", want: `failed to open error_log \(/none/log\)`},
	"fpm/pid file":                    {command: "php-fpm -F", global: "pid = /none/pid", want: `Unable to create the PID file \(/none/pid\)`},
	"fpm/directory":                   {command: "php-fpm -F", pool: "chdir = /none", want: "the chdir path '/none' does not exist"},
	"fpm/root directory":              {command: "php-fpm -F", pool: "chroot = /none", root: true, want: "the chroot path '/none' does not exist"},
	"fpm/slow log":                    {command: "php-fpm -F", pool: "slowlog = /none/slow\nrequest_slowlog_timeout = 1", want: `slowlog\(/none/slow\)`},
	"fpm/access log":                  {command: "php-fpm -F", pool: "access.log = /none/log", want: `failed to open access log \(/none/log\)`},
	"fpm/descriptors wanted":          {command: "php-fpm -F", global: "rlimit_files = 2000000000", want: "failed to set rlimit_files"},
	"fpm/no configuration":            {command: "php-fpm -F -y /none.conf", want: "failed to open configuration file '/none.conf'"},
	"fpm/unknown directive":           {command: "php-fpm -F", pool: "nonsense = 1", want: "unknown entry 'nonsense'"},
	"fpm/no engine":                   {command: "php-fpm -F", environment: noEngine, want: "PHP could not be started: /none.so"},
	"fpm/no engine of a daemon":       {command: "php-fpm -D", environment: noEngine, want: "PHP could not be started: /none.so"},
	"fpm/another library":             {command: "php-fpm -F", environment: "PHPSAPI_ENGINE=libm.so.6", want: "is not a libphp"},
	"fpm/preload":                     {command: "php-fpm -F -d zend_extension=opcache -d opcache.preload=/none.php -d opcache.preload_user=root", root: true, want: "Failed opening required '/none.php'"},
	"fpm/configuration unread":        {command: "php-fpm -F", limits: "--nofile=4", want: "too many open files: the limit is 4, and 3 more are needed"},
	"fpm/test with few descriptors":   {command: "php-fpm -t", limits: "--nofile=5", want: "too many open files: the limit is 5, and 3 more are needed"},
	"fpm/version without descriptors": {command: "php-fpm -v", limits: "--nofile=5", want: "too many open files: the limit is 5, and 3 more are needed"},
	"fpm/few descriptors":             {command: "php-fpm -F", limits: "--nofile=14", want: "the master may have 14 descriptors and needs 22 at least"},
	"fpm/no descriptors for a worker": {command: "php-fpm -F", limits: "--nofile=22", pool: "catch_workers_output = yes", want: "unable to prepare a new child: Too many open files"},
	"fpm/no threads":                  {command: "php-fpm -F", limits: "--nproc=1", alone: true, want: noThreads},
	"fpm/little memory":               {command: "php-fpm -F", limits: "--as=300000000", want: "limit of address space"},
	"fpm/memory for Go alone":         {command: "php-fpm -F", limits: "--as=1100000000", want: "limit of address space"},
	"fpm/little data":                 {command: "php-fpm -F", limits: "--data=100663296", want: "limit of data"},
	"cgi/little data":                 {command: "php-cgi -b DIR/sock", limits: "--data=67108864", want: "limit of data"},
	"cli/no data":                     {command: "php -r exit(0);", environment: withGo, limits: "--data=50331648", want: "limit of data"},
	"cli/data for Go alone":           {command: "php -r exit(0);", environment: withGo, limits: "--data=83886080", want: "limit of data"},
	"cli/memory for Go alone":         {command: "php -r exit(0);", environment: withGo, limits: "--as=849920000", want: "limit of address space"},
	"cli/no data for PHP alone":       {command: "php -r exit(0);", limits: "--data=40894464", want: "limit of data"},
	"cli/no memory for PHP alone":     {command: "php -r exit(0);", limits: "--as=104857600", want: "limit of address space"},
	"http/port":                       {command: "phpsapi fpm --http 127.0.0.1:PORT --root DIR", want: "unable to bind listening socket for address '127.0.0.1:PORT'"},
	"http/directory":                  {command: "phpsapi fpm --http 127.0.0.1:PORT --root /none", want: "/none: no such file or directory"},
	"cgi/port":                        {command: "php-cgi -b 127.0.0.1:PORT", want: "Address already in use"},
	"cgi/port for children":           {command: "php-cgi -b 127.0.0.1:PORT", environment: "PHP_FCGI_CHILDREN=2", want: "Address already in use"},
	"cgi/no engine":                   {command: "php-cgi -b DIR/sock", environment: noEngine, want: "/none.so"},
	"cgi/no descriptors":              {command: "php-cgi -b DIR/sock", limits: "--nofile=4", want: "too many open files"},
	"cgi/no zygote":                   {command: "php-cgi -b DIR/sock", environment: "PHP_FCGI_CHILDREN=2", limits: "--nofile=8", want: "too many open files"},
	"cgi/no threads":                  {command: "php-cgi -b DIR/sock", limits: "--nproc=1", alone: true, want: noThreads},
	"handover/directory":              {command: "phpsapi cgi --zygote-listen /none/sock", want: "/none: no such file or directory"},
	"cli/port":                        {command: "php -S 127.0.0.1:PORT", want: "Address already in use"},
	"cli/directory":                   {command: "php -S 127.0.0.1:0 -t /none", want: "Directory /none does not exist"},
	"cli/no engine":                   {command: "php -S 127.0.0.1:0", environment: noEngine, want: "/none.so"},
	"cli/no descriptors":              {command: "php -S 127.0.0.1:0", limits: "--nofile=4", want: "too many open files"},
	"cli/no threads":                  {command: "php -S 127.0.0.1:0", limits: "--nproc=1", alone: true, want: noThreads},
	"cli/no engine for code":          {command: "php -r exit(0);", environment: noEngine, want: "/none.so"},
	"cli/no threads for code":         {command: "php -r exit(0);", environment: withGo, limits: "--nproc=1", alone: true, want: noThreads},
}

// The least limits of address space that are not refused were too small for PHP: it crashed, and workers died in a loop.
func TestLeastAddressSpaceIsEnough(t *testing.T) {
	t.Parallel()
	least(t, "--as", 870, withGo)
	least(t, "--as", 120, "")
}

func TestLeastDataIsEnough(t *testing.T) {
	t.Parallel()
	least(t, "--data", 160, withGo)
	least(t, "--data", 42, "")
}

// least runs a command under a limit of so many megabytes.
func least(t *testing.T, limit string, mb int, environment string) {
	t.Helper()
	c := exec.Command("prlimit", fmt.Sprintf("%s=%d", limit, mb<<20), filepath.Join(programs, "php"), "-r", `echo "enough";`)
	c.Env = append(os.Environ(), environment)
	out, err := c.CombinedOutput()
	if err != nil || string(out) != "enough" {
		t.Errorf("%s, %d MB, %q: %v, it said:\n%s", limit, mb, environment, err, firstLines(string(out)))
	}
}

// A service manager restarts what has failed by its exit status, and its operator reads the reason.
func TestStartThatFailsHasAStatusAndAReason(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	t.Run("", func(t *testing.T) {
		for name, s := range starts {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s.try(t, port)
			})
		}
	})
}

func (s start) try(t *testing.T, port string) {
	if (s.root || s.alone) && os.Geteuid() != 0 {
		t.Skip("only for root")
	}
	dir := serve.Dir(t)
	os.Chmod(dir, 0o777)
	replace := strings.NewReplacer("DIR", dir, "PORT", port).Replace
	words := strings.Fields(replace(s.command))
	if words[0] == "php-fpm" && !strings.Contains(s.command, "-y") {
		file := filepath.Join(dir, "conf")
		text := replace(serve.FPMConf(dir, s.global, "pm = static\npm.max_children = 1\n"+s.pool))
		if s.alone {
			text = strings.NewReplacer("user = nobody\n", "", "group = nogroup\n", "").Replace(text)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		words = append(words, "-n", "-y", file)
	}
	words[0] = filepath.Join(programs, words[0])
	if s.limits != "" {
		words = append([]string{"prlimit", s.limits}, words...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, words[0], words[1:]...)
	c.Dir, c.WaitDelay = dir, time.Second
	c.Env = append(os.Environ(), "LC_ALL=C")
	if s.environment != "" {
		c.Env = append(c.Env, s.environment)
	}
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	if s.alone {
		id := uint32(1_800_000_000 + time.Now().UnixNano()%100_000_000)
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: id, Gid: id}}
	}
	err := c.Run()
	log, _ := os.ReadFile(serve.Log(dir))
	said.Write(log)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() < 1 {
		t.Errorf("%s: %v, want an exit status; it said:\n%s", s.command, err, said.String())
	}
	if want := replace(s.want); !regexp.MustCompile(want).Match(said.Bytes()) {
		t.Errorf("%s: no reason like %q; it said:\n%s", s.command, want, firstLines(said.String()))
	}
}

func firstLines(text string) string {
	lines := strings.SplitAfterN(text, "\n", 11)
	return fmt.Sprint(strings.Join(lines[:min(len(lines), 10)], ""))
}
