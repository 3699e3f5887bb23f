// Counterpart: sapi/fpm/fpm/fpm_unix.c (fpm_unix_init_main)

package master

import (
	"encoding/binary"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// A Go program cannot fork. To become a daemon it executes itself again with a pipe, on which the daemon says how its
// start went, and waits for that. The daemon reads the configuration a second time, silently.
const (
	daemonEnvironment = "PHPSAPI_FPM_DAEMON"
	verdictTimeout    = 10 * time.Second
)

// verdicts, as php-fpm writes them.
const (
	verdictFailed  = 0
	verdictStarted = 1
)

// daemonPipe is the pipe to the program that started this daemon; nil in a process that is none.
func daemonPipe() *os.File {
	fd, err := strconv.Atoi(os.Getenv(daemonEnvironment))
	os.Unsetenv(daemonEnvironment)
	if err != nil {
		return nil
	}
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), "verdict")
}

// tell sends the verdict to whom is waiting for it.
func tell(pipe *os.File, verdict int32) {
	if pipe == nil {
		return
	}
	var b [4]byte
	binary.NativeEndian.PutUint32(b[:], uint32(verdict))
	pipe.Write(b[:])
	pipe.Close()
}

// daemonize starts the daemon, waits for its verdict and gives the exit status.
func daemonize(program string, argv []string, log lines) int {
	read, write, err := os.Pipe()
	if err != nil {
		log.notDaemonized(err)
		return exitConfig
	}
	command := exec.Command(program)
	command.Args = argv
	command.Env = append(os.Environ(), daemonEnvironment+"=3")
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.ExtraFiles = []*os.File{write}
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		log.notDaemonized(err)
		return exitConfig
	}
	write.Close()
	read.SetReadDeadline(time.Now().Add(verdictTimeout))
	var b [4]byte
	n, err := read.Read(b[:])
	switch {
	case os.IsTimeout(err):
		log.verdictTimedOut()
	case n == 0:
		log.noVerdict()
	case n == len(b) && binary.NativeEndian.Uint32(b[:]) == verdictStarted:
		return exitOK
	}
	return exitSoftware
}
