package listening

import (
	"bytes"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/permission"
)

func TestACLIsSet(t *testing.T) {
	path := t.TempDir() + "/file"
	if err := os.WriteFile(path, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := setACL(path, []int{33}, nil); err == unix.EOPNOTSUPP {
		t.Skip("no access control lists here")
	} else if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 256)
	n, err := unix.Getxattr(path, permission.Attribute, got)
	if err != nil || !bytes.Equal(got[:n], permission.EncodeACL(0o640, []int{33}, nil)) {
		t.Errorf("got %x, %v", got[:n], err)
	}
}
