package sandbox

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"
)

// run runs a filter as the kernel does, on a call with up to three arguments.
func run(t *testing.T, filter []byte, arch, number uint32, arguments ...uint64) uint32 {
	t.Helper()
	data := make([]byte, 64)
	binary.NativeEndian.PutUint32(data[0:], number)
	binary.NativeEndian.PutUint32(data[4:], arch)
	for i, a := range arguments {
		binary.NativeEndian.PutUint64(data[16+8*i:], a)
	}
	var word uint32
	for at := 0; at < len(filter)/8; at++ {
		i := filter[8*at:]
		code, jt, jf, k := binary.NativeEndian.Uint16(i), int(i[2]), int(i[3]), binary.NativeEndian.Uint32(i[4:])
		is := false
		switch code {
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			word = binary.NativeEndian.Uint32(data[k:])
			continue
		case unix.BPF_ALU | unix.BPF_AND | unix.BPF_K:
			word &= k
			continue
		case unix.BPF_RET | unix.BPF_K:
			return k
		case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
			is = word == k
		case unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K:
			is = word > k
		default:
			t.Fatalf("instruction %d is %#x", at, code)
		}
		if is {
			at += jt
		} else {
			at += jf
		}
	}
	t.Fatal("the filter has no end")
	return 0
}

func TestFilterAnswers(t *testing.T) {
	if architecture == 0 {
		t.Skip("there is no filter for this architecture")
	}
	for _, test := range []struct {
		number    uint32
		arguments []uint64
		web       uint32
		strict    uint32
	}{
		{unix.SYS_READ, nil, allow, allow},
		{unix.SYS_GETRANDOM, nil, allow, allow},
		{unix.SYS_PTRACE, nil, refused, refused},
		{unix.SYS_BPF, nil, refused, refused},
		{unix.SYS_IO_URING_SETUP, nil, refused, refused},
		{unix.SYS_EXECVE, nil, allow, refused},
		{unix.SYS_EXECVEAT, nil, allow, refused},
		{unix.SYS_LISTEN, nil, allow, refused},
		{unix.SYS_CLONE, []uint64{uint64(unix.SIGCHLD)}, allow, allow},
		{unix.SYS_CLONE, []uint64{uint64(unix.SIGCHLD) | unix.CLONE_NEWUSER}, refused, refused},
		{unix.SYS_CLONE3, nil, unknown, unknown},
		{unix.SYS_UNSHARE, []uint64{unix.CLONE_FS}, allow, allow},
		{unix.SYS_UNSHARE, []uint64{unix.CLONE_NEWTIME}, refused, refused},
		{unix.SYS_SOCKET, []uint64{unix.AF_UNIX, unix.SOCK_STREAM}, allow, allow},
		{unix.SYS_SOCKET, []uint64{unix.AF_INET, unix.SOCK_STREAM | unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK}, allow, allow},
		{unix.SYS_SOCKET, []uint64{unix.AF_INET6, unix.SOCK_DGRAM}, allow, allow},
		{unix.SYS_SOCKET, []uint64{unix.AF_INET, unix.SOCK_RAW}, refused, refused},
		{unix.SYS_SOCKET, []uint64{1<<32 | unix.AF_INET, unix.SOCK_RAW}, refused, refused}, // the kernel takes the lower half
		{unix.SYS_SOCKET, []uint64{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE}, allow, allow},
		{unix.SYS_SOCKET, []uint64{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER}, noSuchFamily, noSuchFamily},
		{unix.SYS_SOCKET, []uint64{unix.AF_PACKET, unix.SOCK_DGRAM}, noSuchFamily, noSuchFamily},
		{unix.SYS_SOCKET, []uint64{unix.AF_ALG, unix.SOCK_STREAM}, noSuchFamily, noSuchFamily},
		{unix.SYS_IOCTL, []uint64{0, unix.TIOCINQ}, allow, allow},
		{unix.SYS_IOCTL, []uint64{0, pushCharacter}, refused, refused},
		{unix.SYS_IOCTL, []uint64{0, 7<<32 | pushCharacter}, refused, refused},
		{unix.SYS_PERSONALITY, []uint64{anyPersona}, allow, allow},
		{unix.SYS_PERSONALITY, []uint64{0x0400000}, refused, refused},
		{unix.SYS_MKNODAT, []uint64{0, 0, unix.S_IFIFO | 0o600}, allow, allow},
		{unix.SYS_MKNODAT, []uint64{0, 0, unix.S_IFCHR | 0o600}, refused, refused},
		{unix.SYS_MKNODAT, []uint64{0, 0, unix.S_IFBLK | 0o600}, refused, refused},
		{newestCall, nil, allow, allow},
		{newestCall + 1, nil, unknown, unknown},
		{0x40000000 | unix.SYS_PTRACE, nil, unknown, unknown}, // as x32 has it
	} {
		for kind, want := range map[Kind]uint32{Web: test.web, Strict: test.strict} {
			if got := run(t, Filter(kind), architecture, test.number, test.arguments...); got != want {
				t.Errorf("%s: call %d %x: got %#x, want %#x", kind, test.number, test.arguments, got, want)
			}
		}
	}
	if got := run(t, Filter(Web), 0x40000003, unix.SYS_READ); got != refused { // i386
		t.Errorf("a call of another architecture: %#x", got)
	}
	if Filter(Off) != nil {
		t.Error("there is a filter without a sandbox")
	}
}

func TestKernelsThatLackSomething(t *testing.T) {
	if architecture == 0 {
		t.Skip("there is no filter for this architecture")
	}
	for _, test := range []struct {
		kernel Kernel
		kind   Kind
		lacks  bool
		domain Kind
	}{
		{Kernel{7, true}, Strict, false, Strict},
		{Kernel{3, true}, Strict, false, Strict},
		{Kernel{2, true}, Strict, true, Web},
		{Kernel{2, true}, Web, false, Web},
		{Kernel{1, true}, Web, true, Off},
		{Kernel{0, true}, Web, true, Off},
		{Kernel{7, false}, Web, true, Web},
		{Kernel{0, false}, Off, false, Off},
	} {
		if why := test.kernel.Lacks(test.kind); (why != "") != test.lacks || test.kernel.Domain(test.kind) != test.domain {
			t.Errorf("%+v %s: lacks %q, domain %s", test.kernel, test.kind, why, test.kernel.Domain(test.kind))
		}
	}
}
