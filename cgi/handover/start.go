package handover

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// lockEnvironment says that descriptor 3 of a starting resident is its lock.
const lockEnvironment = "PHPSAPI_CGI_ZYGOTE_LOCK"

// failurePause is how long no other resident is started after one could not listen.
const failurePause = 10 * time.Second

func lockName(path string) string { return path + ".lock" }

// lockFile makes and locks the file that a resident holds while it listens at path. The error is ErrBusy if another
// resident holds it.
func lockFile(path string) (*os.File, error) {
	for {
		file, err := os.OpenFile(lockName(path), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, err
		}
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != nil {
			file.Close()
			if err == syscall.EWOULDBLOCK {
				err = ErrBusy
			}
			return nil, err
		}
		// A resident that ends removes the file before it unlocks it.
		mine, err := file.Stat()
		if err == nil {
			if there, err := os.Stat(lockName(path)); err == nil && os.SameFile(mine, there) {
				return file, nil
			}
		}
		file.Close()
	}
}

// note leaves in the lock's file why there is no resident: the next client does not try again at once.
func note(lock *os.File, reason error) {
	lock.Truncate(0)
	fmt.Fprintln(lock, reason)
}

func failedLately(lock *os.File) bool {
	info, err := lock.Stat()
	return err == nil && info.Size() > 0 && time.Since(info.ModTime()) < failurePause
}

// Start starts a resident at path, unless there is one, and does not wait for it. It executes the program with args, which
// make that call Background: the resident must not be a child of this process, because PHP's scripts would find the child.
// A caller with a request may ignore the error, and answers the request the ordinary way.
func Start(program, path string, args ...string) error {
	if err := checkPath(path); err != nil {
		return err
	}
	lock, err := lockFile(path)
	if err != nil {
		return err
	}
	defer lock.Close()
	if failedLately(lock) || isListening(path) {
		return ErrBusy
	}
	command := detached(program, args, lock)
	return command.Run()
}

// Background is the second step of Start: it executes the program with args as the resident, and does not wait for it.
func Background(program string, args ...string) error {
	lock := InheritedLock("")
	if lock == nil {
		return fmt.Errorf("%s is not set", lockEnvironment)
	}
	return detached(program, args, lock).Start()
}

// InheritedLock returns the lock that Start has passed to this process for path, or nil if there is none.
func InheritedLock(path string) *os.File {
	if os.Getenv(lockEnvironment) == "" {
		return nil
	}
	os.Unsetenv(lockEnvironment)
	syscall.CloseOnExec(3)
	return os.NewFile(3, lockName(path))
}

// detached is a command in a session of its own, that holds nothing of the web server's and knows nothing of a request.
func detached(program string, args []string, lock *os.File) *exec.Cmd {
	command := exec.Command(program, args...)
	command.Args[0] = "phpsapi" // by its name the program would be php-cgi
	command.Dir = "/"
	command.ExtraFiles = []*os.File{lock}
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		switch {
		case name == "PATH", name == "TMPDIR", name == idleEnvironment:
			command.Env = append(command.Env, entry)
		}
	}
	command.Env = append(command.Env, lockEnvironment+"=1")
	return command
}

// idleEnvironment is how long a resident lives without a request, in seconds.
const idleEnvironment = "PHPSAPI_CGI_ZYGOTE_IDLE"

// DefaultIdle is how long a resident lives without a request, unless PHPSAPI_CGI_ZYGOTE_IDLE sets another time.
const DefaultIdle = 5 * time.Minute

// IdleTime returns the time that PHPSAPI_CGI_ZYGOTE_IDLE sets, or DefaultIdle. The error is about the variable's value.
func IdleTime() (time.Duration, error) {
	text := os.Getenv(idleEnvironment)
	if text == "" {
		return DefaultIdle, nil
	}
	d, err := time.ParseDuration(text + "s")
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%s=%s: it must be a number of seconds, such as 300", idleEnvironment, text)
	}
	return d, nil
}
