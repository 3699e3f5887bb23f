package sandbox

import "golang.org/x/sys/unix"

// Kind is what a sandbox is for.
type Kind string

// The kinds of sandboxes.
const (
	Off    Kind = "off"    // none
	Web    Kind = "web"    // what web applications do, programs that they start included
	Strict Kind = "strict" // PHP alone: no programs, files in named directories, no servers
)

// newestCall is the system call of the highest number that was known when the lists below were written. Numbers are given out in
// order, the same ones on all architectures: those beyond are answered as by a kernel that does not have them, until somebody has
// read what they do.
const newestCall = 471

// What the filter answers. The kernel makes an error of the lower half.
const (
	allow         = unix.SECCOMP_RET_ALLOW
	refused       = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	unknown       = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	noSuchFamily  = unix.SECCOMP_RET_ERRNO | uint32(unix.EAFNOSUPPORT)
	typeBits      = 0xf        // of socket(2)'s type, without SOCK_CLOEXEC and SOCK_NONBLOCK
	anyPersona    = 0xffffffff // asks personality(2) for the present one
	deviceTypes   = unix.S_IFMT
	pushCharacter = 0x5412 // TIOCSTI: what is read from the terminal next, as if it had been typed
	consoleCalls  = 0x541c // TIOCLINUX: the console's selection and paste
)

// namespaces are the flags of clone(2) that make namespaces. CLONE_NEWTIME is none of clone's, but of unshare's.
const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER |
	unix.CLONE_NEWPID | unix.CLONE_NEWNET

// refusedCalls are the system calls that no web application has a use for, of all architectures. In most of them the kernel refuses
// an ordinary user something already; they are here because of the code behind them.
func refusedCalls() []uint32 {
	return append([]uint32{
		// Other processes' memory, descriptors and time.
		unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_KCMP, unix.SYS_PIDFD_GETFD,
		unix.SYS_PROCESS_MADVISE, unix.SYS_PROCESS_MRELEASE, unix.SYS_PERF_EVENT_OPEN, unix.SYS_MIGRATE_PAGES, unix.SYS_MOVE_PAGES,
		// What is mounted where, roots, namespaces.
		unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT,
		unix.SYS_FSPICK, unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_TREE, unix.SYS_OPEN_TREE_ATTR, unix.SYS_MOUNT_SETATTR, unix.SYS_SETNS,
		unix.SYS_OPEN_BY_HANDLE_AT,
		// The kernel itself.
		unix.SYS_KEXEC_LOAD, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_BPF, unix.SYS_REBOOT,
		unix.SYS_SYSLOG, unix.SYS_LOOKUP_DCOOKIE, unix.SYS_LSM_SET_SELF_ATTR,
		// Interfaces with a long history of faults.
		unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER, unix.SYS_USERFAULTFD, unix.SYS_ADD_KEY,
		unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL, unix.SYS_FANOTIFY_INIT, unix.SYS_NFSSERVCTL, unix.SYS_VMSPLICE,
		// The machine.
		unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME, unix.SYS_ACCT, unix.SYS_QUOTACTL,
		unix.SYS_QUOTACTL_FD, unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_CLOCK_ADJTIME, unix.SYS_ADJTIMEX, unix.SYS_VHANGUP,
	}, refusedHere...)
}

// strictCalls are those that PHP alone has no use for: other programs, and servers of a script's own.
var strictCalls = []uint32{unix.SYS_EXECVE, unix.SYS_EXECVEAT, unix.SYS_LISTEN}

// Filter returns the seccomp filter of a kind of sandbox, as the kernel's struct sock_filter; nil: none. On an architecture that it
// was not written for, Kernel says that there is none.
//
// First come the calls whose arguments matter: the kernel remembers of all others what the filter answers, and does not run it.
func Filter(kind Kind) []byte {
	if kind == Off || architecture == 0 {
		return nil
	}
	p := &program{labels: map[string]int{}}
	p.load(offsetArch)
	p.ifEqual(architecture, "number", "")
	p.answer(refused) // a call as another architecture has it: i386 on amd64
	p.label("number")
	p.load(offsetNumber)
	p.branch(unix.BPF_JGT, newestCall, "", "known") // those of x32 have a bit above
	p.answer(unknown)
	p.label("known")
	p.on(unix.SYS_SOCKET, p.socket)
	p.on(unix.SYS_CLONE, func() { p.without(0, namespaces) })
	p.on(unix.SYS_UNSHARE, func() { p.without(0, namespaces|unix.CLONE_NEWTIME) })
	p.on(unix.SYS_CLONE3, func() { p.answer(unknown) }) // its flags are in memory, which a filter does not see; clone is used instead
	p.on(unix.SYS_IOCTL, func() { p.not(1, pushCharacter, consoleCalls) })
	p.on(unix.SYS_PERSONALITY, p.personality)
	p.on(unix.SYS_MKNODAT, func() { p.noDevice(2) })
	p.here()
	calls := refusedCalls()
	if kind == Strict {
		calls = append(calls, strictCalls...)
	}
	for _, number := range calls {
		p.on(number, func() { p.answer(refused) })
	}
	p.answer(allow)
	return p.bytes()
}

// socket allows unix sockets, TCP and UDP, and the kernel's list of interfaces and routes, which the C library reads to look up
// hosts. It refuses raw sockets, and all other families.
func (p *program) socket() {
	p.load(offsetArgument(0))
	p.ifEqual(unix.AF_UNIX, "socket allowed", "")
	p.ifEqual(unix.AF_INET, "socket type", "")
	p.ifEqual(unix.AF_INET6, "socket type", "")
	p.ifEqual(unix.AF_NETLINK, "socket protocol", "")
	p.answer(noSuchFamily)
	p.label("socket protocol")
	p.load(offsetArgument(2))
	p.ifEqual(unix.NETLINK_ROUTE, "socket allowed", "")
	p.answer(noSuchFamily)
	p.label("socket type")
	p.load(offsetArgument(1))
	p.mask(typeBits)
	p.ifEqual(unix.SOCK_STREAM, "socket allowed", "")
	p.ifEqual(unix.SOCK_DGRAM, "socket allowed", "")
	p.answer(refused)
	p.label("socket allowed")
	p.answer(allow)
}

// without refuses a call with any of these flags in an argument.
func (p *program) without(argument int, flags uint32) {
	none := p.fresh()
	p.load(offsetArgument(argument))
	p.mask(flags)
	p.ifEqual(0, none, "")
	p.answer(refused)
	p.label(none)
	p.answer(allow)
}

// not refuses a call with one of these values as an argument.
func (p *program) not(argument int, values ...uint32) {
	one := p.fresh()
	p.load(offsetArgument(argument))
	for _, v := range values {
		p.ifEqual(v, one, "")
	}
	p.answer(allow)
	p.label(one)
	p.answer(refused)
}

// personality allows a process to ask for its own, and to be an ordinary one.
func (p *program) personality() {
	p.load(offsetArgument(0))
	p.ifEqual(0, "persona", "")
	p.ifEqual(anyPersona, "persona", "")
	p.answer(refused)
	p.label("persona")
	p.answer(allow)
}

// noDevice refuses to make a device, by the mode that is an argument.
func (p *program) noDevice(argument int) {
	device, done := p.fresh(), p.fresh()
	p.load(offsetArgument(argument))
	p.mask(deviceTypes)
	p.ifEqual(unix.S_IFCHR, device, "")
	p.ifEqual(unix.S_IFBLK, device, done)
	p.label(device)
	p.answer(refused)
	p.label(done)
	p.answer(allow)
}
