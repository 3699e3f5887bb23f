package sandbox

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Kernel is what the running kernel has.
type Kernel struct {
	Landlock int  // the version of its interface; 0: it has none, or it was left out at boot
	Seccomp  bool // filters
}

// Versions of Landlock's interface, by what is used here.
const (
	withRefer    = 2 // Linux 5.19: files may be moved from one directory to another
	withTruncate = 3 // 6.2: files cannot be cut off without the right to write
	withDevices  = 5 // 6.10: ioctl(2) of devices
	withScopes   = 6 // 6.12: signals and abstract unix sockets
)

// ThisKernel asks the running kernel.
func ThisKernel() Kernel {
	var k Kernel
	if v, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION); errno == 0 {
		k.Landlock = int(v)
	}
	if architecture != 0 {
		action := uint32(unix.SECCOMP_RET_ERRNO)
		_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&action)))
		k.Seccomp = errno == 0
	}
	return k
}

// Lacks returns what the kernel lacks for a kind of sandbox, as the end of a sentence; empty: nothing.
func (k Kernel) Lacks(kind Kind) string {
	needed := map[Kind]int{Web: withRefer, Strict: withTruncate}[kind]
	switch {
	case kind == Off:
		return ""
	case architecture == 0:
		return "phpsapi has no seccomp filter for " + runtime.GOARCH
	case !k.Seccomp:
		return "the kernel has no seccomp filters (CONFIG_SECCOMP_FILTER), or a container's own filter keeps them from phpsapi"
	case k.Landlock == 0:
		return "the kernel has no Landlock (CONFIG_SECURITY_LANDLOCK, and landlock in the boot parameter lsm=), or a container's seccomp filter keeps it from phpsapi"
	case k.Landlock < needed:
		return fmt.Sprintf("the kernel has version %d of Landlock, and %d is needed: Linux %s", k.Landlock, needed, map[int]string{withRefer: "5.19", withTruncate: "6.2"}[needed])
	}
	return ""
}

// Domain returns the kind of sandbox whose ruleset the kernel can make in place of one of this kind, which it may lack something for.
func (k Kernel) Domain(kind Kind) Kind {
	switch {
	case kind == Off || k.Landlock < withRefer:
		return Off
	case k.Landlock < withTruncate:
		return Web
	}
	return kind
}

// LacksScopes reports whether the kernel's Landlock says nothing of signals and of abstract unix sockets, which strict would keep
// to the worker's own processes.
func (k Kernel) LacksScopes() bool { return k.Landlock < withScopes }

// Files say what of the file system workers may reach, where a sandbox is strict.
type Files struct {
	Read  []string // files and directories with all below
	Write []string // directories with all below: to read, too
	// Perhaps are like Read, but need not be there.
	Perhaps []string
}

// What may be done with what is below a rule's directory; of a file what a file has of it.
const (
	toRead     = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	devices    = unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK
	toWrite    = toRead | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_SYM | unix.LANDLOCK_ACCESS_FS_REFER | unix.LANDLOCK_ACCESS_FS_TRUNCATE
	ofFiles    = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	everything = toWrite | devices | unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
)

// both are the devices that programs write to, too.
var both = []string{"/dev/null", "/dev/zero", "/dev/full"}

// Ruleset makes the Landlock ruleset of a kind of sandbox, for paths below a root, which is a chroot or empty. Kernel.Lacks must have returned
// nothing for this kind. The error is about a path, or the kernel's.
//
// Each keeps processes from those outside: from their memory, environment and descriptors, and from what is mounted where. web
// restricts nothing more but the making of devices.
func Ruleset(kind Kind, kernel Kernel, root string, files Files) (*os.File, error) {
	attr := unix.LandlockRulesetAttr{Access_fs: devices | unix.LANDLOCK_ACCESS_FS_REFER}
	if kind == Strict {
		attr.Access_fs = everything
		if kernel.Landlock < withDevices {
			attr.Access_fs &^= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
		}
		if !kernel.LacksScopes() {
			attr.Scoped = unix.LANDLOCK_SCOPE_SIGNAL | unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
		}
	}
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if errno != 0 {
		return nil, os.NewSyscallError("landlock_create_ruleset", errno)
	}
	r := &rules{file: os.NewFile(fd, "landlock ruleset"), handled: attr.Access_fs, root: root}
	if kind == Strict {
		r.add(both, toRead|toWrite, true)
		r.add(files.Perhaps, toRead, true)
		r.add(files.Read, toRead, false)
		r.add(files.Write, toWrite, false)
	} else {
		r.root = ""
		r.add([]string{"/"}, unix.LANDLOCK_ACCESS_FS_REFER, false) // what no rule allows is refused, of this right even unasked
	}
	if r.err != nil {
		r.file.Close()
		return nil, r.err
	}
	return r.file, nil
}

// rules is a ruleset that is being made.
type rules struct {
	file    *os.File
	handled uint64
	root    string
	err     error // the first
}

// add allows something below paths. missing says that they need not be there.
func (r *rules) add(paths []string, access uint64, missing bool) {
	for _, path := range paths {
		if r.err == nil {
			r.err = r.allow(r.root+path, access&r.handled, missing)
		}
	}
}

func (r *rules) allow(path string, access uint64, missing bool) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		if missing && (errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR)) {
			return nil
		}
		return fmt.Errorf("%s: %w", path, err)
	}
	defer unix.Close(fd)
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFDIR {
		access &= ofFiles
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: access, Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, r.file.Fd(), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("%s: landlock_add_rule: %w", path, errno)
	}
	return nil
}
