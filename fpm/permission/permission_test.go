package permission

import (
	"bytes"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The kernel's bytes for: user::rw- user:33:rw- group::r-- group:5:rw- group:7:rw- mask::rw- other::---
func TestACL(t *testing.T) {
	want := "02000000" +
		"01000600ffffffff" + "0200060021000000" + "04000400ffffffff" + "0800060005000000" + "0800060007000000" +
		"10000600ffffffff" + "20000000ffffffff"
	if got := hex.EncodeToString(EncodeACL(0o640, []int{33, 33}, []int{7, 5})); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// acl makes a list of entries.
func acl(all ...entry) []byte {
	b := []byte{version, 0, 0, 0}
	for _, e := range all {
		b = append(b, byte(e.kind), byte(e.kind>>8), byte(e.mode), byte(e.mode>>8), byte(e.id), byte(e.id>>8), byte(e.id>>16), byte(e.id>>24))
	}
	return b
}

// files are modes and lists of a file that user 1000 and group 1001 own.
var files = []struct {
	name string
	mode uint32
	acl  []byte
}{
	{"others", 0o604, nil},
	{"the owner", 0o400, nil},
	{"all but the owner", 0o044, nil},
	{"the group", 0o640, nil},
	{"all but the group", 0o604, nil},
	{"nobody", 0, nil},
	{"a user", 0o640, acl(entry{userObj, 6, noID}, entry{user, 4, 2000}, entry{groupObj, 0, noID}, entry{mask, 4, noID}, entry{other, 0, noID})},
	{"a user is masked", 0o620, acl(entry{userObj, 6, noID}, entry{user, 4, 2000}, entry{groupObj, 4, noID}, entry{mask, 2, noID}, entry{other, 0, noID})},
	{"all but a user", 0o664, acl(entry{userObj, 6, noID}, entry{user, 0, 2000}, entry{groupObj, 4, noID}, entry{mask, 6, noID}, entry{other, 4, noID})},
	{"a group", 0o640, acl(entry{userObj, 6, noID}, entry{groupObj, 0, noID}, entry{group, 4, 2002}, entry{mask, 4, noID}, entry{other, 0, noID})},
	{"all but a group", 0o664, acl(entry{userObj, 6, noID}, entry{groupObj, 4, noID}, entry{group, 0, 2002}, entry{mask, 6, noID}, entry{other, 4, noID})},
	{"one of two groups", 0o644, acl(entry{userObj, 6, noID}, entry{groupObj, 0, noID}, entry{group, 0, 2002}, entry{group, 4, 2003}, entry{mask, 4, noID}, entry{other, 0, noID})},
}

var users = []User{
	{UID: 1000, GID: 999},
	{UID: 2000, GID: 999},
	{UID: 2001, GID: 1001},
	{UID: 2001, GID: 999, Groups: []int{1001}},
	{UID: 2001, GID: 2002},
	{UID: 2001, GID: 999, Groups: []int{2002, 2003}},
	{UID: 2001, GID: 2002, Groups: []int{1001}},
	{UID: 2004, GID: 999},
}

// May says what the kernel does.
func TestMayIsTheKernels(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be other users")
	}
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "file")
	for _, f := range files {
		os.Remove(path)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(path, 1000, 1001); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, os.FileMode(f.mode)); err != nil {
			t.Fatal(err)
		}
		if f.acl != nil {
			if err := unix.Setxattr(path, Attribute, f.acl, 0); err == unix.EOPNOTSUPP {
				t.Log("no access control lists here")
				continue
			} else if err != nil {
				t.Fatalf("%s: %v", f.name, err)
			}
		}
		got, err := ACL(path)
		if err != nil || !bytes.Equal(got, f.acl) {
			t.Errorf("%s: the list is %x, %v, want %x", f.name, got, err, f.acl)
		}
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			t.Fatal(err)
		}
		for _, u := range users {
			cat := exec.Command("cat", path)
			cat.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(u.UID), Gid: uint32(u.GID), Groups: []uint32{}}}
			for _, g := range u.Groups {
				cat.SysProcAttr.Credential.Groups = append(cat.SysProcAttr.Credential.Groups, uint32(g))
			}
			want := cat.Run() == nil
			if got := u.May(File{st.Uid, st.Gid, st.Mode, f.acl}, Read); got != want {
				t.Errorf("%s: user %+v: got %v, the kernel says %v", f.name, u, got, want)
			}
		}
	}
}

// A list that nobody understands allows nothing.
func TestMayNotByNonsense(t *testing.T) {
	for _, list := range [][]byte{{1}, {3, 0, 0, 0}, append(EncodeACL(0o644, nil, nil), 0)} {
		if (&User{UID: 1, GID: 1}).May(File{UID: 2, GID: 2, Mode: 0o644, ACL: list}, Read) {
			t.Errorf("%x allows", list)
		}
	}
}
