package sandbox

import "golang.org/x/sys/unix"

// architecture is what the kernel calls this one in struct seccomp_data; 0: the filter was not written for it.
const architecture = unix.AUDIT_ARCH_X86_64

// refusedHere are the calls that only this architecture has.
var refusedHere = []uint32{unix.SYS_IOPL, unix.SYS_IOPERM, unix.SYS_MODIFY_LDT, unix.SYS_USELIB, unix.SYS_USTAT, unix.SYS_SYSFS,
	unix.SYS__SYSCTL, unix.SYS_CREATE_MODULE, unix.SYS_GET_KERNEL_SYMS, unix.SYS_QUERY_MODULE, unix.SYS_KEXEC_FILE_LOAD}

// here adds the calls that only this architecture has and whose arguments matter.
func (p *program) here() {
	p.on(unix.SYS_MKNOD, func() { p.noDevice(1) })
}
