package front

import (
	"net"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
)

// handedWorkers are workers that get their connections by messages. What they are sent on the socket returned, serve answers.
func handedWorkers(t *testing.T, serve func(*worker) bool) (to *os.File) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	to = os.NewFile(uintptr(pair[1]), "to")
	t.Cleanup(func() { to.Close() })
	go func() {
		defer unix.Close(pair[0])
		message, rights := make([]byte, contract.MaxHanded), make([]byte, unix.CmsgSpace(4))
		for {
			n, oobn, _, _, err := unix.Recvmsg(pair[0], message, rights, unix.MSG_CMSG_CLOEXEC)
			if err != nil || n == 0 {
				return
			}
			fds := descriptors(rights[:oobn])
			if string(message[:n]) != contract.NothingRead || len(fds) != 1 {
				t.Errorf("got %q with descriptors %v", message[:n], fds)
				return
			}
			file := os.NewFile(uintptr(fds[0]), "connection")
			socket, err := net.FileConn(file)
			file.Close()
			if err != nil {
				t.Error(err)
				return
			}
			go converse(socket, serve)
		}
	}()
	return to
}

// What the worker script answers goes to its pool, and what it does not to the pool beside it, each on a connection of its own. A
// script that may be the worker script's goes to that.
func TestOtherScriptsGoToTheirOwnPool(t *testing.T) {
	t.Parallel()
	by := func(name string, keep *bool) func(*worker) bool {
		return func(w *worker) bool {
			*keep = w.req.KeepConn
			return w.say("Content-Type: text/plain\r\n\r\n%s %s", name, w.param("SCRIPT_NAME"))
		}
	}
	var kept, once bool
	o := orders(t, map[string]string{"index.php": "", "other.php": "", "sub/index.php": ""}, by("worker script", &kept))
	root := o.Sites[0].Root
	o.Pools[0].Others, o.Pools[0].For = "www_scripts", []string{root + "/worker.php", root + "/index.php"}
	o.Pools = append(o.Pools, contract.FrontPool{Name: "www_scripts", Network: contract.Handed, Connections: 4})
	f := prepareWith(t, o, resources{sockets: map[string]*os.File{"www_scripts": handedWorkers(t, by("others", &once))}})
	f.run(t)
	want := func(path, body string) {
		t.Helper()
		if r := f.get(t, path); r.StatusCode != 200 || r.body != body {
			t.Errorf("%s: %d %q, want %q", path, r.StatusCode, r.body, body)
		}
	}
	want("/other.php", "worker script /other.php") // worker.php is not there: what would it lead to?
	if err := os.WriteFile(root+"/worker.php", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		want("/", "worker script /index.php")
		want("/any/path", "worker script /index.php")
		want("/other.php", "others /other.php")
		want("/sub/", "others /sub/index.php")
	}
	if !kept || once {
		t.Errorf("connections are to be kept: %v, and those handed on: %v", kept, once)
	}
}

func TestFrontKnowsThePoolsItIsToAsk(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(*contract.Front){
		`pool www: the pool "www_scripts" for its other scripts is not known`: func(o *contract.Front) { o.Pools[0].Others = "www_scripts" },
		"pool x: there is no way to it": func(o *contract.Front) {
			o.Pools = append(o.Pools, contract.FrontPool{Name: "x", Network: contract.Handed})
		},
	} {
		o := orders(t, nil, nil)
		spoil(o)
		if _, err := newFront(o, resources{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
