package sandbox

import "golang.org/x/sys/unix"

// architecture is what the kernel calls this one in struct seccomp_data; 0: the filter was not written for it.
const architecture = unix.AUDIT_ARCH_AARCH64

// refusedHere are the calls that other architectures do not have, or have by another number.
var refusedHere = []uint32{unix.SYS_KEXEC_FILE_LOAD}

// here adds the calls that only this architecture has and whose arguments matter: none.
func (p *program) here() {}
