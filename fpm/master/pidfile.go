// Counterpart: sapi/fpm/fpm/fpm_conf.c (fpm_conf_write_pid, fpm_conf_unlink_pid)

package master

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// writePidFile writes the master's pid; without a path nothing. The error has been logged.
func writePidFile(path string, log lines) error {
	if path == "" {
		return nil
	}
	os.Remove(path)
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC|unix.O_CLOEXEC, 0o644)
	if err != nil {
		log.pidFileNotCreated(path, err)
		return err
	}
	defer unix.Close(fd)
	if _, err := unix.Write(fd, strconv.AppendInt(nil, int64(os.Getpid()), 10)); err != nil {
		log.pidFileNotWritten(err)
		return err
	}
	return nil
}

func removePidFile(path string, log lines) {
	if path == "" {
		return
	}
	if err := unix.Unlink(path); err != nil {
		log.pidFileNotRemoved(path, err)
	}
}
