package security

import (
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

// An application that is booted to be forked runs in the process that forks the workers. It could tell its master that a process of
// root's was a worker, which the master, as root, may signal, and it could make a line of the log with a reason of its own.
func TestApplicationCannotPassOffAnotherProcessAsAWorker(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	victim := serve.Run(t, exec.Command("sleep", "1000"))
	p := prepare(t, ffi, "worker: {script: site/app.php, snapshot: 1, boot_timeout: 5s}", map[string]string{"app.php": fmt.Sprintf(`<?php
$c = FFI::cdef('
int fcntl(int, int, long); int getsockopt(int, int, int, int *, unsigned *);
long send(int, const char *, size_t, int); long recv(int, char *, size_t, int); void _exit(int);');
if (file_exists(__DIR__ . '/var/lied')) exit;
for ($fd = 3; $fd < 60; $fd++) {
	$type = $c->new('int'); $size = $c->new('unsigned'); $size->cdata = 4;
	if ($c->getsockopt($fd, 1, 3, FFI::addr($type), FFI::addr($size)) !== 0 || $type->cdata !== 5) continue;
	$c->fcntl($fd, 4, 0);
	$c->send($fd, 'B', 1, 0x4000);
	for ($room = $c->new('char[65536]'); $c->recv($fd, $room, 65536, 0) > 0;) {
		if ($room[0] !== 'F') continue;
		$c->send($fd, "O\n[27-Nov-2026 00:00:00] NOTICE: forged", 40, 0x4000);
		touch(__DIR__ . '/var/lied');
		$c->send($fd, 'C' . pack('ll', %d, 0), 9, 0x4000);
		usleep(300000);
		$c->_exit(0);
	}
}`, victim.Pid())})
	p.Ready = []string{"fpm is running"} // it is never ready to handle connections
	s := p.start()
	wait.Until(t, "the lie", func() bool { return files.Exists(p.Dir + "/site/var/lied") })
	s.Logged("NOTICE: another process forks the workers of generation 1", 1)
	s.Signal(syscall.SIGTERM)
	wait.Until(t, "the service's end", func() bool { return strings.Contains(s.Log(), "bye-bye") || !serve.Lives(s.Pid()) })
	if how := victim.Ended(); how != "" {
		t.Errorf("the other process has ended: %s", how)
	}
	if strings.Contains(s.Log(), "\n[27-Nov-2026 00:00:00]") {
		t.Error("the application has forged a line of the log")
	}
}
