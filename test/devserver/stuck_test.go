package devserver_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

// PHP that crashes while it starts ends the server, which says so.
func TestPHPCrashesWhileItStarts(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]string{"abort": "abort();", "segmentation fault": "raise(SIGSEGV);", "exit": "_exit(0);"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := launch(t, binary, files.Make(t, nil), nil, "-n", "-d", "extension="+serve.Library(t, code), "-S", "127.0.0.1:0")
			if status := s.End(); status.ExitStatus() != 1 {
				t.Errorf("ended by %v", status)
			}
			if said := s.Output.String(); !strings.Contains(said, "PHP ended with s") {
				t.Errorf("it said %q", said)
			}
		})
	}
}

// A signal ends the server while PHP hangs in its start, as it ends stock PHP there, and nothing is left.
func TestSignalWhilePHPStarts(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		for _, program := range []string{stock, binary} {
			t.Run(sig.String()+" of "+filepath.Base(program), func(t *testing.T) {
				t.Parallel()
				mark := filepath.Join(serve.Dir(t), "mark")
				hang := serve.Library(t, `close(creat("`+mark+`", 0644)); for (;;) pause();`)
				s := launch(t, program, files.Make(t, nil), nil, "-n", "-d", "extension="+hang, "-S", "127.0.0.1:0")
				wait.Until(t, "PHP to hang", func() bool { return files.Exists(mark) })
				s.Signal(sig)
				if status := s.End(); !status.Signaled() || status.Signal() != sig {
					t.Errorf("ended by %v", status)
				}
				gone(t, s)
			})
		}
	}
}

// A zygote that is stopped does not keep the server from ending, with the request that it had or by a second signal.
func TestZygoteIsStopped(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			root := files.Make(t, map[string]string{"waits.php": waits, "a.php": "<?php echo 'a';"})
			s := start(t, binary, root, nil, "-n")
			conn := begun(t, s, filepath.Join(root, "go"))
			syscall.Kill(s.Tree()[1], syscall.SIGSTOP)
			s.Signal(sig)
			s.Says("Waiting for 1 request(s)")
			if err := os.WriteFile(filepath.Join(root, "go"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
			if got := readAll(conn); got != ", done" {
				t.Errorf("got %q", got)
			}
			endsBy(t, s.End(), sig)
			gone(t, s)
		})
	}
	t.Run("a second signal", func(t *testing.T) {
		t.Parallel()
		s := start(t, binary, files.Make(t, map[string]string{"waits.php": waits}), nil, "-n")
		begun(t, s, "/nowhere")
		syscall.Kill(s.Tree()[1], syscall.SIGSTOP)
		s.dial().Write([]byte("GET /waits.php?file=/nowhere HTTP/1.0\r\n\r\n")) // waits for the zygote
		s.Signal(syscall.SIGINT)
		s.Says("Waiting for ")
		s.Signal(syscall.SIGINT)
		if status := s.End(); !status.Signaled() || status.Signal() != syscall.SIGINT {
			t.Errorf("ended by %v", status)
		}
		gone(t, s)
	})
}

// Of a zygote that is stopped another takes the place.
func TestStoppedZygoteIsReplaced(t *testing.T) {
	t.Parallel()
	root := files.Make(t, map[string]string{"waits.php": waits, "a.php": "<?php echo 'a';"})
	s := start(t, binary, root, nil, "-n")
	conn := begun(t, s, filepath.Join(root, "go"))
	syscall.Kill(s.Tree()[1], syscall.SIGSTOP)
	if got := s.get("/a.php"); !strings.Contains(got, "500 Internal Server Error") {
		t.Errorf("got %q", got)
	}
	s.Says("did not answer within")
	wait.Until(t, "an answer", func() bool { return body(s.get("/a.php")) == "a" })
	os.WriteFile(filepath.Join(root, "go"), nil, 0o644)
	readAll(conn)
}
