package front

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

// A request that takes too long goes through all stages in their order: its stack is logged, its script is told, its worker gets SIGTERM,
// and then SIGKILL. Its client gets an answer at each, and the service continues.
func TestStagesOfARequestThatTakesTooLong(t *testing.T) {
	t.Parallel()
	for _, direct := range []string{"auto", "off"} {
		t.Run("direct "+direct, func(t *testing.T) {
			t.Parallel()
			address, dir := serve.Address(t), site(t)
			files.Write(t, filepath.Join(dir, "told.php"), `<?php register_shutdown_function(function () { file_put_contents("php://stderr", "shutdown function\n"); });
try { while (true) usleep(1000); } catch (Phpsapi\RequestTimeout $e) { http_response_code(504); echo $e->getMessage(); }`)
			files.Write(t, filepath.Join(dir, "untold.php"), `<?php while (true) usleep(1000);`)
			files.Write(t, filepath.Join(dir, "deaf.php"), `<?php pcntl_async_signals(true); pcntl_signal(SIGTERM, fn() => null); while (true) { try { while (true) usleep(1000); } catch (Error $e) {} }`)
			files.Write(t, filepath.Join(dir, "asleep.php"), `<?php sleep(30);`)
			slow := filepath.Join(serve.Dir(t), "slow")
			s := start(t, address, []string{"PHPSAPI_HTTP_DIRECT=" + direct, "PHPSAPI_PHP_PCNTL=on"}, "--http", address, "--root", dir,
				"--set", "www.request_slowlog_timeout=1", "--set", "www.slowlog="+slow, "--set", "www.request_terminate_timeout=3",
				"--set", "www.request_soft_timeout=2s", "--set", "www.request_kill_timeout=500ms")
			s.want("/told.php", http.StatusGatewayTimeout, "Maximum request time of 2s exceeded")
			s.want("/untold.php", http.StatusInternalServerError, "")
			s.want("/asleep.php", http.StatusBadGateway, "")
			s.want("/deaf.php", http.StatusBadGateway, "")
			s.want("/", http.StatusOK, "index")
			s.said("exited on signal 9", 1)

			log := s.Log()
			for name, stages := range map[string][]string{
				"told.php":   {"executing too slow", `throwing Phpsapi\RequestTimeout`},
				"untold.php": {"executing too slow", `throwing Phpsapi\RequestTimeout`},
				"asleep.php": {"executing too slow", "terminating"},
				"deaf.php":   {"executing too slow", `throwing Phpsapi\RequestTimeout`, "terminating", "killing"},
			} {
				line := regexp.MustCompile(fmt.Sprintf(`WARNING: \[pool www\] child \d+, script '%s' \(request: "GET /%s"\) (?:execution timed out|(executing too slow)) \([0-9.]+ sec\), (.*)`,
					regexp.QuoteMeta(filepath.Join(dir, name)), name))
				var got []string
				for _, m := range line.FindAllStringSubmatch(log, -1) {
					what := m[2]
					if m[1] != "" {
						what = m[1]
					}
					if len(got) == 0 || got[len(got)-1] != what { // SIGTERM may be sent again
						got = append(got, what)
					}
				}
				if strings.Join(got, ", ") != strings.Join(stages, ", ") {
					t.Errorf("%s: the stages were %q, want %q", name, got, stages)
				}
			}
			if text := files.Text(slow); strings.Count(text, "script_filename = ") < 4 || !strings.Contains(text, "usleep()") {
				t.Errorf("the slow log has %q", text)
			}
		})
	}
}

// A stage that never comes is told, by a test of the configuration and by a start, and refuses nothing.
func TestStagesThatNeverComeAreTold(t *testing.T) {
	t.Parallel()
	address := serve.Address(t)
	conf := configured(t, "pools: {www: {request_soft_timeout: 3s, request_kill_timeout: 1s}}\nhttp: {listen: '"+address+"', root: .}\n")
	for terminate, want := range map[string]string{
		"3": "WARNING: .*/phpsapi.yaml:1: pools: www: request_soft_timeout: the script is never told, because request_terminate_timeout is 3s",
		"0": "WARNING: .*/phpsapi.yaml:1: pools: www: request_kill_timeout: no worker is ever killed, because request_terminate_timeout is not set",
		"4": "",
	} {
		out, err := serve.FPM("test", "-y", conf, "--set", "www.request_terminate_timeout="+terminate).CombinedOutput()
		if err != nil || !regexp.MustCompile(want).Match(out) || want == "" && strings.Contains(string(out), "WARNING") {
			t.Errorf("%ss: %v, %s", terminate, err, out)
		}
	}
	s := startCommand(t, address, serve.FPM("-y", conf, "-F", "-O", "--set", "www.request_terminate_timeout=3"))
	s.said("WARNING: .*the script is never told", 1)
}

// The front between, a client that leaves is noticed as well.
func TestClientThatLeavesTheFront(t *testing.T) {
	t.Parallel()
	for _, direct := range []string{"auto", "off"} {
		address, dir := serve.Address(t), site(t)
		ended := filepath.Join(serve.Dir(t), "ended")
		if err := os.Chmod(filepath.Dir(ended), 0o777); err != nil {
			t.Fatal(err)
		}
		files.Write(t, filepath.Join(dir, "wait.php"), `<?php register_shutdown_function(function () { file_put_contents("`+ended+`", connection_status()); });
touch("`+ended+`.begun");
for ($i = 0; $i < 60000; $i++) usleep(1000);`)
		s := start(t, address, []string{"PHPSAPI_HTTP_DIRECT=" + direct}, "--http", address, "--root", dir, "--set", "www.request_client_check=100ms")
		conn := mustTalk(t, address)
		if _, err := fmt.Fprintf(conn, "GET /wait.php HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		wait.Until(t, "the beginning of the script", func() bool {
			_, err := os.Stat(ended + ".begun")
			return err == nil
		})
		conn.Close()
		wait.Until(t, "the end of the script", func() bool {
			return files.Text(ended) == "1"
		})
		s.Stop()
	}
}
