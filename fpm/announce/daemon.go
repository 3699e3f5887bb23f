// Counterpart: sapi/fpm/fpm/fpm_unix.c (fpm_unix_init_main)

package announce

import (
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// A Go program cannot fork. To become a daemon it executes itself again with a pipe, on which the daemon says how its
// start went, and waits for that. The daemon reads the configuration a second time, silently.
//
// php-fpm starts PHP before it makes the daemon, for however long that takes, and waits for the rest for verdictTimeout.
// So the daemon says when PHP begins to start and when it has started.
const (
	daemonEnvironment = "PHPSAPI_FPM_DAEMON"
	verdictTimeout    = 10 * time.Second
)

// What a daemon tells. Failed and Started are its verdicts, as php-fpm has them.
const (
	Failed     = 0
	Started    = 1
	Starting   = 2 // PHP is being started
	PHPStarted = 3
)

const exitOK = 0

// Starter is the pipe to the program that started this daemon; nil in a process that is none.
type Starter struct{ pipe *os.File }

// ToStarter returns the pipe of this process; nil if it is not a daemon that tells somebody.
func ToStarter() *Starter {
	fd, err := strconv.Atoi(os.Getenv(daemonEnvironment))
	os.Unsetenv(daemonEnvironment)
	if err != nil {
		return nil
	}
	syscall.CloseOnExec(fd)
	syscall.SetNonblock(fd, true) // for Gone
	return &Starter{os.NewFile(uintptr(fd), "verdict")}
}

// Tell says how far the start is. A verdict is the last word. The error is that nobody waits for it.
func (s *Starter) Tell(what uint32) error {
	if s == nil {
		return nil
	}
	_, err := s.pipe.Write(binary.NativeEndian.AppendUint32(nil, what))
	if what <= Started {
		s.pipe.Close()
	}
	return err
}

// Gone is closed when the program that waits is gone, of an interrupt, say. It is nil without one.
func (s *Starter) Gone() <-chan struct{} {
	if s == nil {
		return nil
	}
	raw, err := s.pipe.SyscallConn()
	if err != nil {
		return nil
	}
	gone := make(chan struct{})
	go func() {
		if raw.Read(func(fd uintptr) bool { // there is nothing to read: only the other end's end wakes up
			n, _ := unix.Poll([]unix.PollFd{{Fd: int32(fd)}}, 0)
			return n > 0
		}) == nil {
			close(gone)
		}
	}()
	return gone
}

// Daemonize starts the daemon, waits for its verdict and returns the exit status. It calls started with the pid of one that serves, unless that
// is nil.
func Daemonize(program string, argv []string, log *zlog.Log, started func(pid int)) int {
	read, write, err := os.Pipe()
	if err != nil {
		lines{log}.notDaemonized(err)
		return conf.ExitConfig
	}
	defer read.Close()
	command := exec.Command(program)
	command.Args = argv
	command.Env = append(os.Environ(), daemonEnvironment+"=3")
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.ExtraFiles = []*os.File{write}
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		lines{log}.notDaemonized(err)
		return conf.ExitConfig
	}
	write.Close()
	status := await(read, log)
	if status == exitOK && started != nil {
		started(command.Process.Pid)
	}
	return status
}

// await takes a daemon's words until its verdict.
func await(read *os.File, log *zlog.Log) int {
	for {
		read.SetReadDeadline(time.Now().Add(verdictTimeout))
		var b [4]byte
		_, err := io.ReadFull(read, b[:])
		if os.IsTimeout(err) {
			lines{log}.verdictTimedOut()
			return conf.ExitSoftware
		}
		if err != nil {
			lines{log}.noVerdict()
			return conf.ExitSoftware
		}
		switch binary.NativeEndian.Uint32(b[:]) {
		case Started:
			return exitOK
		case Starting:
			read.SetReadDeadline(time.Time{})
			if _, err := io.ReadFull(read, b[:]); err != nil {
				lines{log}.noVerdict()
				return conf.ExitSoftware
			}
			if binary.NativeEndian.Uint32(b[:]) != PHPStarted {
				return conf.ExitSoftware
			}
		default:
			return conf.ExitSoftware
		}
	}
}
