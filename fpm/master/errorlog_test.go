package master

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/wait"
)

// As long as a reload is under way lines go to the first stderr and to the error log. USR1 made both the error log meanwhile.
func TestErrorLogThatIsReopenedInAReloadHasLinesOnce(t *testing.T) {
	t.Parallel()
	s := start(t, static, "MASTER_TEST_HANG=DIR/hang", "MASTER_TEST_LOG=file")
	logged := func(line string) (text []byte) {
		wait.Until(t, line, func() bool {
			text, _ = os.ReadFile(s.path("error.log"))
			return strings.Contains(string(text), line)
		})
		return text
	}
	logged("ready to handle")
	s.touch("hang")
	s.signal(syscall.SIGUSR2)
	s.appears("hang", "hangs")
	s.signal(syscall.SIGUSR1)
	logged("error log file re-opened")
	s.ask("sock", "kill 9")
	const end = "exited on signal 9 (SIGKILL) in request"
	logged(end)
	time.Sleep(20 * time.Millisecond) // the other line would come at once
	text := logged(end)
	if n := strings.Count(string(text), end); n != 1 {
		t.Errorf("the line is there %d times:\n%s", n, text)
	}
	s.expect("exited on signal 9 .SIGKILL. in request") // on the first stderr
}
