package front

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

// The worker script is booted by the workers of the new program only when that has taken over. If it fails, the program before is
// executed again, though its file is gone, and the requests that the new one had accepted are answered.
func TestUpgradeThatFailsAfterwardsIsTakenBack(t *testing.T) {
	t.Parallel()
	dir := application(t, "first", "")
	text, err := os.ReadFile(serve.Program("phpsapi"))
	if err != nil {
		t.Fatal(err)
	}
	address, metrics := serve.Address(t), serve.Address(t)
	u := &upgradable{zygotes: 2, dir: dir, program: dir + "/phpsapi", text: text}
	u.install(t, text)
	if err := os.Chmod(dir, 0o777); err != nil { // the workers count their boots there
		t.Fatal(err)
	}
	command := exec.Command(u.program, "fpm", "-F", "--worker", dir+"/index.php", "--http", address)
	command.Env = append(os.Environ(), "PHPSAPI_METRICS_LISTEN="+metrics)
	u.service = startCommand(t, address, command)
	u.want("/", 200, "first ")
	u.install(t, u.another())
	setApplication(t, dir, "second", "throw new Exception('no second');")
	out, status := u.Operate("upgrade") // it is tried
	if status != 1 || !strings.Contains(out, "failed, the old program keeps serving: ") || !strings.Contains(out, "cannot take over: the worker script ") {
		t.Errorf("status %d, %s", status, out)
	}
	u.want("/", 200, "first ")
	// The trial goes well, and the boot after that does not.
	setApplication(t, dir, "second", "$n = (int) @file_get_contents(__DIR__ . '/boots'); file_put_contents(__DIR__ . '/boots', $n + 1); if ($n == 1) throw new Exception('not again');")
	out, status = u.Operate("upgrade")
	if status != 1 || !strings.Contains(out, "failed, the old program keeps serving: ") || !strings.Contains(out, "could not be booted: Uncaught Exception: not again") {
		t.Errorf("status %d, %s", status, out)
	}
	u.want("/", 200, "second ")
	if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", u.Pid())); err != nil || exe != u.program+" (deleted)" {
		t.Errorf("the master is %s, %v", exe, err)
	}
	if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", u.Pid())); err != nil || string(name) != "phpsapi\n" {
		t.Errorf("it is called %s, %v", name, err)
	}
	upgrades := func(outcome string, n int) {
		t.Helper()
		wait.Until(t, fmt.Sprintf("the metrics tell of %d upgrades that %s", n, outcome), func() bool {
			return strings.Contains(u.page("http://"+metrics+"/metrics"), fmt.Sprintf("phpsapi_upgrades_total{outcome=%q} %d\n", outcome, n))
		})
	}
	upgrades("failed", 2)
	setApplication(t, dir, "third", "")
	if out, status := u.Operate("upgrade", "--wait-drained"); status != 0 || !strings.Contains(out, "upgraded from ") {
		t.Errorf("status %d, %s", status, out)
	}
	u.want("/", 200, "third ")
	u.runs(t)
	upgrades("succeeded", 1)
	upgrades("failed", 2)
}
