package handover

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/sapi"
)

// resident returns a resident that does not run, and whose calls start the module of the settings in dir.
func resident(t *testing.T, dir string) *Server {
	t.Helper()
	alive, end := context.WithCancel(context.Background())
	s := &Server{Program: "/nonexistent", Log: func(string) {}, alive: alive, drained: make(chan struct{}, 1), Front: Front{
		Module: func(*Call) (sapi.Module, string, bool) {
			return sapi.Module{Name: sapi.CGI, INI: sapi.INI{Path: dir}}, "engine", true
		},
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
	if err := os.WriteFile(filepath.Join(dir, "php.ini"), []byte(ini.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		s := resident(t, dir)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 200 {
					s.module(&Call{Env: env[:10:10]})
				}
			})
		}
		all.Wait()
	}
}

// A child's message announces what it does not send: the resident's memory grows by what comes.
func TestAnnouncedHeadTakesNoMemory(t *testing.T) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	child, channel := os.NewFile(uintptr(pair[0]), "child"), os.NewFile(uintptr(pair[1]), "channel")
	defer channel.Close()
	message := binary.NativeEndian.AppendUint32([]byte{letterHead}, maxHead)
	if _, err := child.Write(append(message, "a few bytes"...)); err != nil {
		t.Fatal(err)
	}
	child.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err = serveHeads(channel)
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; err == nil || grown > 64<<10 {
		t.Errorf("%d bytes were allocated for a few; %v", grown, err)
	}
	pair, err = syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	child, channel = os.NewFile(uintptr(pair[0]), "child"), os.NewFile(uintptr(pair[1]), "channel")
	defer child.Close()
	defer channel.Close()
	child.Write(binary.NativeEndian.AppendUint32([]byte{letterHead}, maxHead+1))
	if err := serveHeads(channel); err != errMalformed {
		t.Errorf("a head larger than any: %v", err)
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
	s.Front.Request = func(*Call, *Settings) (*Request, bool) {
		time.Sleep(decisionTime + 50*time.Millisecond)
		return &Request{}, true
	}
	what, engine, _ := s.Front.Module(nil)
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
