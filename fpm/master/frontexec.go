package master

import (
	"errors"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/lifecycle/zygote"
)

// frontEnvironment are the variables that a front has of the master's: none that could be a secret.
var frontEnvironment = []string{"TMPDIR", "TZ", "LANG", "LC_ALL", "GODEBUG", "GOGC", "GOMAXPROCS", "GOMEMLIMIT", "GOTRACEBACK"}

// executeFront starts a front or an observer: another user without privileges where the master is root, never to get new ones, in a process group of its own, so that a terminal's Ctrl-C is the master's to obey.
func executeFront(c frontCommand, extra ...string) (pid int, err error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	stderr := c.stderr
	if stderr == nil {
		stderr = null
	}
	environment := append([]string{contract.FrontEnvironment + "=" + zygote.Name()}, extra...)
	for _, name := range frontEnvironment {
		if v, ok := os.LookupEnv(name); ok {
			environment = append(environment, name+"="+v)
		}
	}
	attributes := &os.ProcAttr{
		Dir: "/", Env: environment, Files: append([]*os.File{null, null, stderr}, c.files...),
		Sys: &syscall.SysProcAttr{Setpgid: true},
	}
	if c.who.drop {
		attributes.Sys.Credential = &syscall.Credential{Uid: uint32(c.who.uid), Gid: uint32(c.who.gid), Groups: []uint32{}}
		for _, id := range c.who.groups {
			attributes.Sys.Credential.Groups = append(attributes.Sys.Credential.Groups, uint32(id))
		}
	}
	p, err := withoutNewPrivileges(func() (*os.Process, error) {
		p, err := os.StartProcess(c.program, []string{c.title}, attributes)
		if errors.Is(err, os.ErrPermission) { // the program is in a directory that only the master may enter
			p, err = os.StartProcess("/proc/self/exe", []string{c.title}, attributes)
		}
		return p, err
	})
	if err != nil {
		return 0, err
	}
	pid = p.Pid
	p.Release() // the loop waits for it
	raiseFiles(pid, c.nofile)
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
