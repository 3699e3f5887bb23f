package serve

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/wait"
)

// Service is phpsapi fpm as a test runs it: its files, its process, its log, and its operator. A test makes one with
// NewService, writes its files and starts it. It ends with the test, which shows its log if it has failed.
type Service struct {
	*Process              // nil until the service has been started
	T        testing.TB   // the test
	Dir      string       // where php-fpm.conf, phpsapi.yaml and what else the test writes are
	Address  string       // a TCP address that is free; the test's configuration may name it
	HTTP     *http.Client // asks Address; nil: Run makes one, which keeps connections
	LogFile  string       // the error log; empty: standard error
	Ready    []string     // texts that the log has when the service is ready; nil: as php-fpm says it
	Stderr   Output       // what was written to standard error
}

// NewService returns a service that has not been started, with a directory and an address of its own.
func NewService(t testing.TB) *Service {
	t.Helper()
	return &Service{T: t, Dir: Dir(t), Address: Address(t)}
}

// FPM returns the command phpsapi fpm with arguments, of the program that Main has built. With -y the metrics have no address unless
// the configuration names one; Main takes their default away for all other command lines.
func FPM(arguments ...string) *exec.Cmd {
	cmd := exec.Command(Program("phpsapi"), append([]string{"fpm"}, arguments...)...)
	if slices.Contains(arguments, "-y") {
		cmd.Env = Environ()
	} else {
		cmd.Env = os.Environ()
	}
	return cmd
}

// Command returns FPM's command with the service's php-fpm.conf (-y) and arguments.
func (s *Service) Command(arguments ...string) *exec.Cmd {
	return FPM(append([]string{"-y", s.Path("php-fpm.conf")}, arguments...)...)
}

// Start starts the service in the foreground, with more arguments, and waits until it is ready.
func (s *Service) Start(arguments ...string) {
	s.T.Helper()
	s.Run(s.Command(append([]string{"-F"}, arguments...)...))
}

// Run starts the service by a command that the test has made, and waits until it is ready. Standard error is s.Stderr, unless the command
// has another.
func (s *Service) Run(cmd *exec.Cmd) {
	s.T.Helper()
	if s.HTTP == nil {
		s.HTTP = &http.Client{Transport: &http.Transport{}, Timeout: wait.Patience}
	}
	if s.Ready == nil {
		s.Ready = []string{"ready to handle connections"}
	}
	if cmd.Stderr == nil {
		cmd.Stderr = &s.Stderr
	}
	ready := func() bool {
		log := s.Log()
		return !slices.ContainsFunc(s.Ready, func(text string) bool { return !strings.Contains(log, text) })
	}
	var err error
	if s.Process, err = Start("phpsapi fpm", cmd, ready, s.said); err != nil {
		s.T.Fatal(err)
	}
	s.T.Cleanup(func() {
		s.Stop()
		if s.T.Failed() {
			said := s.said()
			s.T.Log(said[max(0, len(said)-20<<10):])
		}
	})
}

// said is all that the service has said.
func (s *Service) said() string {
	if s.LogFile == "" {
		return s.Stderr.String()
	}
	return s.Stderr.String() + s.Log()
}

// Path returns the path of a file in the service's directory.
func (s *Service) Path(name string) string { return filepath.Join(s.Dir, name) }

// Write writes a file in the service's directory and returns its path.
func (s *Service) Write(name, text string) string {
	s.T.Helper()
	return files.Write(s.T, s.Path(name), text)
}

// Read returns the text of a file in the service's directory, which must be there.
func (s *Service) Read(name string) string {
	s.T.Helper()
	return files.Read(s.T, s.Path(name))
}

// Log returns the error log so far.
func (s *Service) Log() string {
	if s.LogFile == "" {
		return s.Stderr.String()
	}
	return files.Text(s.LogFile)
}

// Logged waits until the error log matches a pattern that many times, and returns the last match with its groups. In the
// pattern ^ and $ are the ends of a line. The test fails if the service ends before.
func (s *Service) Logged(pattern string, times int) (match []string) {
	s.T.Helper()
	re := regexp.MustCompile("(?m)" + pattern)
	var found [][]string
	if err := s.WaitFor(wait.Patience, func() bool {
		found = re.FindAllStringSubmatch(s.Log(), -1)
		return len(found) >= times
	}); err != nil {
		s.T.Fatalf("%q is not logged %d times: %v", pattern, times, err)
	}
	return found[times-1]
}

// URL returns the URL of a path at the service's address.
func (s *Service) URL(path string) string { return "http://" + s.Address + path }

// Get asks for a path by HTTP and returns the answer's status and body. Without an answer the test fails.
func (s *Service) Get(path string) (status int, body string) {
	s.T.Helper()
	if status, body = Ask(s.HTTP, s.URL(path)); status == 0 {
		s.T.Fatalf("%s: %s", path, body)
	}
	return status, body
}

// Operate runs an operator's command for the service, such as phpsapi fpm reload, and returns what it prints on both
// streams and its exit status.
func (s *Service) Operate(arguments ...string) (printed string, status int) {
	s.T.Helper()
	return Execute(s.T, FPM(append(arguments, "--master", fmt.Sprint(s.Pid()))...))
}

// Order is Operate for a command that must succeed.
func (s *Service) Order(arguments ...string) (printed string) {
	s.T.Helper()
	printed, status := s.Operate(arguments...)
	if status != 0 {
		s.T.Fatalf("phpsapi fpm %s: exit status %d\n%s", strings.Join(arguments, " "), status, printed)
	}
	return printed
}

// Tell is Order for a command that prints JSON, which it reads.
func (s *Service) Tell(into any, arguments ...string) {
	s.T.Helper()
	printed := s.Order(append(arguments, "--json")...)
	if err := json.Unmarshal([]byte(printed), into); err != nil {
		s.T.Fatalf("phpsapi fpm %s --json: %v\n%s", strings.Join(arguments, " "), err, printed)
	}
}
