// Counterpart: sapi/fpm/fpm/fpm_conf.c (fpm_conf_write_pid, fpm_conf_unlink_pid)

package announce

import (
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// WritePID writes this process's pid to a file; without a path nothing. A reader finds the old pid or the new one, never half
// of one. The error has been logged.
func WritePID(path string, log *zlog.Log) error {
	if path == "" {
		return nil
	}
	pid := strconv.AppendInt(nil, int64(os.Getpid()), 10)
	if replacePidFile(path, pid) == nil {
		return nil
	}
	// A user who may not write to the directory may be allowed to write to the file; and a device must not be replaced.
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_NOFOLLOW|unix.O_CLOEXEC, pidFileMode)
	if err != nil {
		lines{log}.pidFileNotCreated(path, err)
		return err
	}
	defer unix.Close(fd)
	if _, err := unix.Write(fd, pid); err != nil {
		lines{log}.pidFileNotWritten(err)
		return err
	}
	return nil
}

const pidFileMode = 0o644

// replacePidFile makes the file beside its place, and then moves it there.
func replacePidFile(path string, pid []byte) error {
	if info, err := os.Lstat(path); err == nil && info.Mode()&^fs.ModePerm&^fs.ModeSymlink != 0 {
		return fs.ErrInvalid
	}
	beside := path + "." + string(pid)
	unix.Unlink(beside)
	fd, err := unix.Open(beside, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, pidFileMode)
	if err != nil {
		return err
	}
	_, err = unix.Write(fd, pid)
	unix.Close(fd)
	if err == nil {
		err = os.Rename(beside, path)
	}
	if err != nil {
		os.Remove(beside)
	}
	return err
}

// RemovePID removes the file that WritePID has written. A device or a pipe was there before, and stays.
func RemovePID(path string, log *zlog.Log) {
	if path == "" {
		return
	}
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() && info.Mode().Type() != fs.ModeSymlink {
		return
	}
	if err := unix.Unlink(path); err != nil {
		lines{log}.pidFileNotRemoved(path, err)
	}
}
