package companion

import (
	"errors"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/lifecycle/zygote"
)

// Command is a companion to execute.
type Command struct {
	Title   string // argv[0]
	Program string
	Files   []*os.File // from descriptor 3 on
	Stderr  *os.File   // nil: /dev/null
	Who     User
	NoFile  uint64 // descriptors it needs
}

// environment are the variables that a companion has of the master's: none that could be a secret.
var environment = []string{"TMPDIR", "TZ", "LANG", "LC_ALL", "GODEBUG", "GOGC", "GOMAXPROCS", "GOMEMLIMIT", "GOTRACEBACK"}

// Execute executes a companion: another user without privileges if the master is root, never to get new ones, in a process group of
// its own, so that a terminal's Ctrl-C is the master's to obey. extra are variables beside those that any companion has. It does not
// wait for the process, whose end is told by SIGCHLD.
func Execute(c Command, extra ...string) (pid int, err error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	stderr := c.Stderr
	if stderr == nil {
		stderr = null
	}
	variables := append([]string{contract.FrontEnvironment + "=" + zygote.Name()}, extra...)
	for _, name := range environment {
		if v, ok := os.LookupEnv(name); ok {
			variables = append(variables, name+"="+v)
		}
	}
	attributes := &os.ProcAttr{
		Dir: "/", Env: variables, Files: append([]*os.File{null, null, stderr}, c.Files...),
		Sys: &syscall.SysProcAttr{Setpgid: true},
	}
	if c.Who.Drop {
		attributes.Sys.Credential = &syscall.Credential{Uid: uint32(c.Who.UID), Gid: uint32(c.Who.GID), Groups: []uint32{}}
		for _, id := range c.Who.Groups {
			attributes.Sys.Credential.Groups = append(attributes.Sys.Credential.Groups, uint32(id))
		}
	}
	p, err := withoutNewPrivileges(func() (*os.Process, error) {
		p, err := os.StartProcess(c.Program, []string{c.Title}, attributes)
		if errors.Is(err, os.ErrPermission) { // the program is in a directory that only the master may enter
			p, err = os.StartProcess("/proc/self/exe", []string{c.Title}, attributes)
		}
		return p, err
	})
	if err != nil {
		return 0, err
	}
	pid = p.Pid
	p.Release() // the loop waits for it
	raiseFiles(pid, c.NoFile)
	return pid, nil
}

// withoutNewPrivileges calls start on a thread that can give its children no privileges, by set-user-id files or
// otherwise, and ends the thread then: nothing takes that back.
func withoutNewPrivileges(start func() (*os.Process, error)) (p *os.Process, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked
		if err = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err == nil {
			p, err = start()
		}
	}()
	<-done
	return p, err
}

// raiseFiles lets a process have at least so many descriptors, as far as the master may allow that. A front takes all
// that it may have by itself.
func raiseFiles(pid int, n uint64) {
	var limit unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &limit); err != nil || limit.Cur >= n {
		return
	}
	limit.Cur, limit.Max = n, max(limit.Max, n)
	unix.Prlimit(pid, unix.RLIMIT_NOFILE, &limit, nil)
}

// hasStopped reports whether a child of this process was stopped by a signal since the last call.
func hasStopped(pid int) bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, pid, &info, unix.WSTOPPED|unix.WNOHANG, nil)
	return err == nil && info.Signo != 0
}
