package handover

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/test/files"
)

// resident returns a resident that does not run, and whose calls start the module of the settings in dir.
func resident(t *testing.T, dir string) *Resident {
	t.Helper()
	alive, end := context.WithCancel(context.Background())
	s := &Resident{Program: "/nonexistent", Log: func(string) {}, alive: alive, drained: make(chan struct{}, 1), Module: func(*Call) (sapi.Module, string, bool) {
		return sapi.Module{Name: sapi.CGI, INI: sapi.INI{Path: dir}}, "engine", true
	}}
	t.Cleanup(func() { s.end(end) })
	return s
}

// Requests that come while PHP starts look at the module that starts. Its .ini files refer to many variables.
func TestRequestsWhileAModuleStarts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var ini strings.Builder
	var env Environment
	for i := range 5000 {
		fmt.Fprintf(&ini, "a=${NAME_%d}\n", i)
		env = append(env, fmt.Sprintf("NAME_%d=x", i))
	}
	files.Write(t, filepath.Join(dir, "php.ini"), ini.String())
	for range 5 {
		s := resident(t, dir)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 50 {
					s.module(&Call{Env: env[:10:10]})
				}
			})
		}
		all.Wait()
	}
}

// A script may find the channel among its descriptors, and write what it likes.
func TestOnlyADeclinedRequestIsGivenBack(t *testing.T) {
	for said, want := range map[string]error{"": io.EOF, "N": errDeclined, "X": errMalformed, "NN": errDeclined} {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		write.WriteString(said)
		write.Close()
		if err := hear(read); err != want {
			t.Errorf("%q: got %v, want %v", said, err, want)
		}
		read.Close()
	}
}

// PHP that did not start is started again later, with the same settings; one that prints something is not.
func TestFailedModuleIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err   error
		retry bool
	}{"failed": {errMalformed, true}, "loud": {fmt.Errorf("wrapped: %w", loudError("x")), false}} {
		s := resident(t, t.TempDir())
		m := &module{}
		s.started(m, launch{}, test.err)
		if now := time.Now(); m.state != unfit || m.changed(now) || m.changed(now.Add(2*retryTime)) != test.retry {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

// A client waits three seconds. A resident that has not decided in time leaves the request to it.
func TestLateDecisionIsARefusal(t *testing.T) {
	t.Parallel()
	s := resident(t, t.TempDir())
	s.self = fingerprintOf(s.Program)
	s.groups, _ = syscall.Getgroups()
	what, engine, _ := s.Module(nil)
	s.Module = func(*Call) (sapi.Module, string, bool) {
		time.Sleep(decisionTime + 50*time.Millisecond)
		return what, engine, true
	}
	s.modules = []*module{{key: keyOf(&what, engine, nil), state: ready}}
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	syscall.SetNonblock(pair[0], true)
	client := os.NewFile(uintptr(pair[1]), "client")
	defer client.Close()
	go s.serve(os.NewFile(uintptr(pair[0]), "conn"))
	if err := syscall.Sendmsg(pair[1], message(40, 1, 0, "php-cgi\x00"), syscall.UnixRights(pair[1]), nil, 0); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 8)
	for _, want := range []byte{letterReady, letterNo} {
		if _, err := client.Read(answer); err != nil || answer[0] != want {
			t.Fatalf("answered %q, want %q; %v", answer[0], want, err)
		}
	}
}
