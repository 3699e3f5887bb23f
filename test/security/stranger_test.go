package security

import (
	"os/exec"
	"syscall"
	"testing"

	"github.com/phpsapi/phpsapi/test/serve"
)

// strangerOf starts a process of the workers' user that waits for the end of the test.
func strangerOf(t *testing.T) (pid int) {
	t.Helper()
	id := uint32(serve.GroupID(t, "www-data"))
	c := exec.Command("sleep", "1000")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: id, Gid: id}, Pdeathsig: syscall.SIGKILL}
	return serve.Run(t, c).Pid()
}
