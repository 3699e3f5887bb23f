package observe

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

const dashboardToken = "a-token-that-is-long-enough"

// looked is what the test reads of a view of the dashboard.
type looked struct {
	Silent  float64
	Orders  bool
	Service struct {
		LastFailed  bool
		LastWhy     string
		Generations []struct {
			Number int
			State  string
		}
	}
	Pools []struct {
		Active, Idle, Queue, Limit int
		Front_queue                int
		Paused                     bool
	}
	Requests []struct {
		Pid                   int
		Method, URI, Accepted string
	}
}

// order sends the dashboard an order.
func (s *service) order(dashboard, token, text string) (int, string) {
	s.T.Helper()
	r, err := http.NewRequest("POST", dashboard+"/api/order", strings.NewReader(text))
	if err != nil {
		s.T.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Phpsapi-Token", token)
	answer, err := s.HTTP.Do(r)
	if err != nil {
		s.T.Fatal(err)
	}
	defer answer.Body.Close()
	said, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(said)
}

// The dashboard is shown while all workers are stuck and the master as well, and takes orders with the token.
func TestDashboardOfAServiceThatIsStuck(t *testing.T) {
	s := start(t, "")
	dashboard := "http://" + serve.Address(t)
	s.Write("token", dashboardToken)
	token := s.Path("token")
	s.Write("phpsapi.yaml", fmt.Sprintf("%sdashboard:\n  listen: %s\n  token_file: token\n", s.Read("phpsapi.yaml"), strings.TrimPrefix(dashboard, "http://")))
	s.Signal(syscall.SIGUSR2)
	s.expect(`phpsapi_reloads_total{outcome="failed"}`, 1)
	if !strings.Contains(s.Log(), "chmod 600 "+token) {
		t.Error("the log does not say what is wrong with the token")
	}
	if err := os.Chmod(token, 0o600); err != nil {
		t.Fatal(err)
	}
	s.Signal(syscall.SIGUSR2)
	s.expect(`phpsapi_reloads_total{outcome="succeeded"}`, 1)
	look := func() (v looked) {
		t.Helper()
		status, text := s.ask(dashboard + "/api/now")
		if err := json.Unmarshal([]byte(text), &v); status != 200 || err != nil {
			t.Fatalf("got %d %s (%v)", status, text, err)
		}
		return v
	}
	for range 4 {
		go s.ask(s.URL("/sleep.php?ms=15000&secret=<b>"))
	}
	wait.Until(t, "all workers are stuck, and two requests wait", func() bool {
		v := look()
		return len(v.Requests) == 2 && v.Pools[0].Active == 2 && v.Pools[0].Idle == 0 && v.Pools[0].Queue+v.Pools[0].Front_queue == 2
	})
	s.Signal(syscall.SIGSTOP)
	wait.Until(t, "the master is silent", func() bool { return look().Silent > 1.2 })
	s.Signal(syscall.SIGCONT)
	v := look()
	if v.Requests[0].Method != "GET" || v.Requests[0].URI != "/sleep.php?ms=15000&secret=<b>" || !v.Orders {
		t.Errorf("got %+v", v)
	}
	end := fmt.Sprintf(`{"command":"kill","pid":%d,"accepted":%q,"now":true}`, v.Requests[0].Pid, v.Requests[0].Accepted)
	if status, text := s.order(dashboard, "a-token-that-is-another", end); status != 403 || !strings.Contains(text, "the token is wrong") {
		t.Errorf("with another token: got %d %s", status, text)
	}
	if status, text := s.order(dashboard, dashboardToken, strings.Replace(end, v.Requests[0].Accepted, "1", 1)); status != 409 || !strings.Contains(text, "has another one") {
		t.Errorf("another request: got %d %s", status, text)
	}
	if status, text := s.order(dashboard, dashboardToken, end); status != 200 || !strings.Contains(text, "on signal 9 (SIGKILL)") {
		t.Errorf("got %d %s", status, text)
	}
	if status, text := s.ask(dashboard + "/api/events"); status != 200 || !strings.Contains(text, `"kind":"operator"`) {
		t.Errorf("got %d %s", status, text)
	}
	if status, text := s.order(dashboard, dashboardToken, `{"command":"pause","pool":"www"}`); status != 200 && status != 202 {
		t.Errorf("got %d %s", status, text)
	}
	wait.Until(t, "the pool is paused", func() bool { return look().Pools[0].Paused })
	if status, text := s.order(dashboard, dashboardToken, `{"command":"reload"}`); status != 200 || !strings.Contains(text, "generation 4 serves") {
		t.Errorf("got %d %s", status, text)
	}
	wait.Until(t, "the next observer shows the next generation", func() bool {
		v := look()
		return len(v.Service.Generations) > 0 && v.Service.Generations[0].Number == 4 && !v.Service.LastFailed
	})
	s.Write("token", "a-token-that-comes-with-a-reload")
	if status, text := s.order(dashboard, dashboardToken, `{"command":"reload"}`); status != 200 || !strings.Contains(text, "generation 5 serves") {
		t.Errorf("got %d %s", status, text)
	}
	// Whichever observer takes it: the one before answers until the next is ready.
	if status, text := s.order(dashboard, dashboardToken, `{"command":"resume","pool":"www"}`); status != 403 || !strings.Contains(text, "the token is wrong") {
		t.Errorf("with the token before the reload: got %d %s", status, text)
	}
	for _, line := range []string{"asked for by the dashboard for 127.0.0.1: done: the worker exited on signal 9", "reload asked for by the dashboard", "was sent a wrong token, by 127.0.0.1"} {
		if !strings.Contains(s.Log(), line) {
			t.Errorf("the log has no %q", line)
		}
	}
	if strings.Contains(s.Log(), dashboardToken) {
		t.Error("the log has the token")
	}
}
