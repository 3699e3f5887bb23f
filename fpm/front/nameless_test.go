package front

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
)

// A pool's socket without a name is reached by its descriptor, which must stay open when nobody else holds it.
func TestNamelessSocketStaysOpen(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	fd, err := unix.Open(name, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := &Front{pools: map[string]*pool{}}
	f.addPools(&contract.Front{Pools: []contract.FrontPool{{Name: "www"}}}, map[string]*os.File{"www": os.NewFile(uintptr(fd), name)})
	for range 3 {
		runtime.GC()
		c, err := f.pools["www"].Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
}
