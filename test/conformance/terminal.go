package main

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// openTerminal makes a pseudo-terminal and returns its two ends. Tests run on
// one because php-src's do: some ask whether a stream is a terminal, or that
// the standard streams cannot be sought in. Its line discipline leaves the
// output as it is. The slave belongs to user, so that /dev/stdout can be opened.
func openTerminal(user *syscall.Credential) (master, slave *os.File, err error) {
	master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			master.Close()
		}
	}()
	var number, unlocked int32
	if err = ioctl(master, syscall.TIOCSPTLCK, unsafe.Pointer(&unlocked)); err != nil {
		return nil, nil, err
	}
	if err = ioctl(master, syscall.TIOCGPTN, unsafe.Pointer(&number)); err != nil {
		return nil, nil, err
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	var mode syscall.Termios
	if err = ioctl(slave, syscall.TCGETS, unsafe.Pointer(&mode)); err == nil {
		mode.Oflag &^= syscall.OPOST
		err = ioctl(slave, syscall.TCSETS, unsafe.Pointer(&mode))
	}
	if err == nil && user != nil {
		err = slave.Chown(int(user.Uid), int(user.Gid))
	}
	if err != nil {
		slave.Close()
	}
	return master, slave, err
}

// ioctl calls ioctl(2) on a file.
func ioctl(f *os.File, request uintptr, arg unsafe.Pointer) error {
	connection, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var errno syscall.Errno
	err = connection.Control(func(fd uintptr) {
		_, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(arg))
	})
	if err == nil && errno != 0 {
		err = os.NewSyscallError("ioctl "+f.Name(), errno)
	}
	return err
}
