package worker

import (
	"fmt"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// admitsPeer reports whether the process behind a connection on the unix socket may ask, by its user and groups when it connected. If
// not, who describes the process, for the log.
func (k *worker) admitsPeer(fd int) (who string, may bool) {
	a := k.spec.Admission
	if a == nil || !a.CheckPeers {
		return "", true
	}
	peer, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return "nobody that the kernel knows", false
	}
	if slices.Contains(a.Users, int(peer.Uid)) || slices.Contains(a.Groups, int(peer.Gid)) {
		return "", true
	}
	if len(a.Groups) > 0 && slices.ContainsFunc(peerGroups(fd), func(gid uint32) bool { return slices.Contains(a.Groups, int(gid)) }) {
		return "", true
	}
	return fmt.Sprintf("process %d of user %d, group %d", peer.Pid, peer.Uid, peer.Gid), false
}

// peerGroups returns the supplementary groups of the process behind a connection, until it is called again.
func peerGroups(fd int) []uint32 {
	size := uint32(unsafe.Sizeof(groupList))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_PEERGROUPS,
		uintptr(unsafe.Pointer(&groupList)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return nil
	}
	return groupList[:size/4]
}

// groupList has room for as many supplementary groups as the kernel gives a process (NGROUPS_MAX). What is not used of it takes no memory.
var groupList [1 << 16]uint32

// mayOpen reports whether the owner of what a request names is one whose scripts may be run: what may not be run is not opened, either.
// A script that is not there is for others to tell.
func (k *worker) mayOpen(script []byte) bool {
	if !k.checksOwners() {
		return true
	}
	var stat syscall.Stat_t
	if err := syscall.Stat(string(script), &stat); err != nil {
		return err == syscall.ENOENT || err == syscall.ENOTDIR
	}
	return slices.Contains(k.spec.Admission.Owners, int(stat.Uid))
}

// mayRunOpened reports whether the owner of the file that PHP has opened is one whose scripts may be run. It may be another file than
// that which the request names: by doc_root, or because somebody has exchanged it.
func (k *worker) mayRunOpened() bool {
	if !k.checksOwners() {
		return true
	}
	uid, err := k.responder.PHP.ScriptOwner()
	return err == nil && slices.Contains(k.spec.Admission.Owners, uid)
}

func (k *worker) checksOwners() bool { return k.spec.Admission != nil && k.spec.Admission.CheckOwners }

// dropClientValues ignores the settings of PHP that the request brings.
func (k *worker) dropClientValues() {
	r := &k.responder.ForPHP
	if a := k.spec.Admission; a == nil || !a.IgnoreValues || r.PHPValue == nil && r.PHPAdminValue == nil {
		return
	}
	r.PHPValue, r.PHPAdminValue = nil, nil
	if !k.ignored {
		k.ignored = true
		k.report(zlog.Warning, "PHP_VALUE and PHP_ADMIN_VALUE of a request are ignored, as client_values is off; this process does not log it again")
	}
}
