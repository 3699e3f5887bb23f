package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
)

// program is an FPM that faults are injected into.
type program struct {
	name, path string
	stock      bool // php-fpm, which has neither HTTP nor worker mode
}

// settings are how a service differs from the others.
type settings struct {
	global, pool string // more lines for the two sections of php-fpm.conf
	pcntl        bool
	noDirect     bool   // the front accepts, not the workers
	small        bool   // logs and temporary files are in a file system of its own, that has little room
	limit        uint64 // bytes that the service may have of memory; 0: as many as there are
	copied       bool   // the program is a copy that may be replaced
	alone        string // the fault that has the service to itself, because it leaves workers that are not as others
}

// service is a running FPM with a pool www, and if it is phpsapi with HTTP and a pool app in worker mode.
type service struct {
	program
	settings
	*serve.Process
	dir     string
	address string // of HTTP; empty: none
	group   *group // nil: none
	undo    []func()
}

const (
	wwwWorkers = 6
	appWorkers = 3
)

func (s *service) conf() string   { return filepath.Join(s.dir, "php-fpm.conf") }
func (s *service) yaml() string   { return filepath.Join(s.dir, "phpsapi.yaml") }
func (s *service) root() string   { return filepath.Join(s.dir, "www") }
func (s *service) app() string    { return filepath.Join(s.dir, "app.sock") }
func (s *service) log() string    { return serve.Log(s.logs()) }
func (s *service) pid() string    { return filepath.Join(s.logs(), "pid") }
func (s *service) inner() string  { return filepath.Join(s.dir, "small") }
func (s *service) places() string { return filepath.Join(s.dir, "places") } // where requests write which worker they have

// logs is the directory of the logs and the pid file.
func (s *service) logs() string {
	if s.small {
		return s.inner()
	}
	return filepath.Join(s.dir, "logs")
}

// temporary is TMPDIR, where uploads and the front's spool are, too.
func (s *service) temporary() string {
	if s.small {
		return s.inner()
	}
	return filepath.Join(s.dir, "tmp")
}

// start runs a program until it serves.
func start(p program, with settings) (s *service, err error) {
	s = &service{program: p, settings: with}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	if s.dir, err = os.MkdirTemp("", "phpsapi-faults-"); err != nil {
		return s, err
	}
	if !s.stock {
		if s.address, err = serve.FreeAddress(); err != nil {
			return s, err
		}
	}
	if err := os.Chmod(s.dir, 0o755); err != nil {
		return s, err
	}
	for _, dir := range []string{s.root(), s.root() + "/do", s.dir + "/ini.d", s.dir + "/logs", s.dir + "/tmp", s.inner(), s.places()} {
		if err := errors.Join(os.Mkdir(dir, 0o755), os.Chmod(dir, map[bool]os.FileMode{true: 0o777, false: 0o755}[dir == s.places() || dir == s.dir+"/tmp"])); err != nil {
			return s, err
		}
	}
	if s.small {
		undo, err := mountSmall(s.inner())
		if err != nil {
			return s, err
		}
		s.undo = append(s.undo, undo)
	}
	if s.limit > 0 {
		if s.group, err = newGroup(s.limit); err != nil {
			return s, err
		}
		s.undo = append(s.undo, s.group.remove)
	}
	if s.copied {
		if err := s.replaceProgram(); err != nil {
			return s, err
		}
	}
	if err := errors.Join(s.writeSite(), s.configure(0), os.WriteFile(s.dir+"/php.log", nil, 0o666), os.Chmod(s.dir+"/php.log", 0o666)); err != nil {
		return s, err
	}
	return s, s.launch()
}

// executable is the program, or the service's own copy.
func (s *service) executable() string {
	if s.copied {
		return filepath.Join(s.dir, "php-fpm")
	}
	return s.path
}

// replaceProgram puts a new copy in the place of the program, as a package manager does.
func (s *service) replaceProgram() error {
	text, err := os.ReadFile(s.path)
	if err != nil {
		return err
	}
	next := s.executable() + ".next"
	return errors.Join(os.WriteFile(next, text, 0o755), os.Rename(next, s.executable()))
}

// isUpgraded returns an error if the master is another program than the one that is there.
func (s *service) isUpgraded() error {
	installed, err := os.Stat(s.executable())
	if err != nil {
		return err
	}
	runs, err := os.Stat(fmt.Sprintf("/proc/%d/exe", s.Pid()))
	if err != nil || !os.SameFile(installed, runs) {
		return errors.Join(errors.New("the master is not the program that was installed"), err)
	}
	return nil
}

// launch executes the program and waits until it serves.
func (s *service) launch() (err error) {
	cmd := exec.Command(s.executable(), "-F", "-O", "-y", s.conf())
	cmd.Env = append(os.Environ(), "PHP_INI_SCAN_DIR=:"+s.dir+"/ini.d", "TMPDIR="+s.temporary())
	out, err := os.OpenFile(filepath.Join(s.dir, "output"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	// Without -O php-fpm logs to the file, which is to be filled and removed.
	cmd.Args = append(cmd.Args[:2], cmd.Args[3:]...)
	if s.group != nil {
		cmd = s.group.within(cmd)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} // nothing is left if this program is killed
	s.Process, err = serve.Start(s.name, cmd, func() bool { return s.serves() == nil }, func() string {
		said, _ := os.ReadFile(out.Name())
		return string(said) + s.logged()
	})
	return err
}

// configure writes the configuration of a generation, whose number its answers tell.
func (s *service) configure(generation int) error {
	return s.configureWith(generation, "", "")
}

// configureWith adds lines to [global] and to what follows the pool www.
func (s *service) configureWith(generation int, global, pool string) error {
	user := ""
	if os.Geteuid() == 0 {
		user = "user = nobody\ngroup = nogroup\n"
	}
	common := fmt.Sprintf("pm = static\nphp_value[user_agent] = %d\nphp_admin_value[error_log] = %s/php.log\n", generation, s.dir)
	lines := fmt.Sprintf("pm.max_children = %d\naccess.log = %s/access\n%s%s\n", wwwWorkers, s.logs(), common, s.pool)
	if !s.stock {
		lines += fmt.Sprintf("[app]\nlisten = %s\nlisten.mode = 0666\n%s%spm.max_children = %d\n", s.app(), user, common, appWorkers)
	}
	text := serve.FPMConf(s.dir, s.global+"\nprocess_control_timeout = 20s\n"+global, lines+pool)
	text = strings.ReplaceAll(text, serve.Log(s.dir)+"\n", s.log()+"\n")
	text = strings.ReplaceAll(text, "pid = "+s.dir+"/pid\n", "pid = "+s.pid()+"\n")
	if err := os.WriteFile(s.conf(), []byte(text), 0o644); err != nil || s.stock {
		return err
	}
	yaml := fmt.Sprintf("http: {listen: ['%s'], root: '%s', pool: www, access_log: '%s/http', direct: %s}\npools: {app: {worker: '%s/app.php'}}\n",
		s.address, s.root(), s.logs(), map[bool]string{true: "off", false: "auto"}[s.noDirect], s.root())
	if s.pcntl {
		yaml += "php: {pcntl: on}\n"
	}
	return os.WriteFile(s.yaml(), []byte(yaml), 0o644)
}

// serves returns an error if one of the doors is closed.
func (s *service) serves() error {
	for _, d := range s.doors() {
		v := d.visitor(s, false)
		if r := v.ask(request{n: 0}); r.end != answered {
			return fmt.Errorf("%s: %s", d, r)
		}
	}
	return nil
}

// logged is the error log.
func (s *service) logged() string {
	text, _ := os.ReadFile(s.log())
	return string(text)
}

// says waits until the error log has a text n times.
func (s *service) says(n int, text string) error {
	if err := s.WaitFor(20*time.Second, func() bool { return strings.Count(s.logged(), text) >= n }); err != nil {
		return fmt.Errorf("%q in the log: %w", text, err)
	}
	return nil
}

// reload has the service reload and waits for the outcome; with php-fpm for the line in the log.
func (s *service) reload() error {
	if !s.stock {
		ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
		defer cancel()
		command := exec.CommandContext(ctx, s.executable(), "reload", "--master", fmt.Sprint(s.Pid()))
		command.Args = append([]string{"phpsapi", "fpm"}, command.Args[1:]...)
		said, err := command.CombinedOutput()
		if err != nil {
			return fmt.Errorf("reload: %w: %s", err, said)
		}
		return nil
	}
	return s.reloadBySignal()
}

// reloadBySignal has the service reload and waits for the line in the log.
func (s *service) reloadBySignal() error {
	info, err := os.Stat(s.log())
	if err != nil {
		return err
	}
	log, err := os.Open(s.log())
	if err != nil {
		return err
	}
	defer log.Close()
	text := make([]byte, 1<<20)
	s.Signal(reloadSignal)
	if err := s.WaitFor(60*time.Second, func() bool {
		n, _ := log.ReadAt(text, info.Size())
		return strings.Contains(string(text[:n]), ready)
	}); err != nil {
		return fmt.Errorf("a reload: %w", err)
	}
	return nil
}

// stop ends the service and removes what it had.
func (s *service) stop() {
	if s.Process != nil {
		s.Stop()
	}
	for _, undo := range s.undo {
		undo()
	}
	if s.dir != "" {
		os.RemoveAll(s.dir)
	}
}

func dialer(network, address string) func() (net.Conn, error) {
	return func() (net.Conn, error) { return net.DialTimeout(network, address, 10*time.Second) }
}
