package security

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(withoutLandlock) != "":
		executeWithoutLandlock(os.Args[1:])
	case os.Getenv(asker) != "":
		ask()
		os.Exit(0)
	}
	for fd := 3; fd < 1024; fd++ { // descriptors that the tests were started with are not a leak of the service's
		unix.CloseOnExec(fd)
	}
	os.Exit(serve.Main(m, nil))
}

// service is a phpsapi fpm with a pool www, whose site is the directory site below Dir, and what phpsapi.yaml says of the pool.
type service struct {
	*serve.Service
	wrap func(*exec.Cmd) // changes how the program is executed; nil: as it is
}

// prepare makes a service. The workers' user may write in Dir/site/var alone. yaml is what stands below pools: www in phpsapi.yaml.
func prepare(t *testing.T, pool, yaml string, scripts map[string]string) *service {
	t.Helper()
	s := &service{Service: serve.NewService(t)}
	s.LogFile = serve.Log(s.Dir)
	for dir, mode := range map[string]os.FileMode{"site": 0o755, "site/var": 0o777, "temporary": 0o777} {
		if err := errors.Join(os.MkdirAll(s.Path(dir), 0o755), os.Chmod(s.Path(dir), mode)); err != nil {
			t.Fatal(err)
		}
	}
	files.Fill(t, s.Path("site"), scripts)
	user := ""
	if os.Geteuid() == 0 {
		user = "user = www-data\ngroup = www-data\n"
	}
	s.Write("php-fpm.conf", fmt.Sprintf("[global]\nerror_log = %s/log\n[www]\nlisten = %[1]s/sock\nlisten.mode = 0666\n%[2]spm = static\npm.max_children = 1\n"+
		"php_admin_value[sys_temp_dir] = %[1]s/temporary\nphp_admin_value[session.save_path] = %[1]s/temporary\n%[3]s\n", s.Dir, user, pool))
	s.Write("phpsapi.yaml", fmt.Sprintf("http: {listen: '%s', root: site}\npools:\n  www:\n    %s\n", s.Address, strings.ReplaceAll(yaml, "\n", "\n    ")))
	return s
}

func (s *service) command(arguments ...string) *exec.Cmd {
	c := s.Command(arguments...)
	if s.wrap != nil {
		s.wrap(c)
	}
	return c
}

// refused returns what the service says in place of a start, and its exit status.
func (s *service) refused(arguments ...string) (said string, status int) {
	s.T.Helper()
	return serve.Execute(s.T, s.command(arguments...))
}

// start runs the service in the foreground until it serves.
func (s *service) start() *service {
	s.T.Helper()
	s.Run(s.command("-F"))
	return s
}

// workers are the pids of the pool's workers, of which there is one at least, or is one soon.
func (s *service) workers() (pids []int) {
	s.T.Helper()
	wait.Until(s.T, "a worker", func() bool {
		pids = s.Titled("php-fpm: pool www")
		return len(pids) > 0
	})
	return pids
}
