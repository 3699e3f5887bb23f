package front

import (
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

// leaving starts a service with a shutdown_delay, tells it to quit, and waits until it says that it is not ready.
func leaving(t *testing.T, delay string) *service {
	t.Helper()
	address, metrics := serve.Address(t), serve.Address(t)
	s := start(t, address, []string{"PHPSAPI_SHUTDOWN_DELAY=" + delay, "PHPSAPI_METRICS_LISTEN=" + metrics}, "-F", "--http", address, "--root", site(t))
	ready := func() int {
		status, _ := serve.Ask(s.HTTP, "http://"+metrics+"/readyz")
		return status
	}
	wait.Until(t, "it is ready", func() bool { return ready() == http.StatusOK })
	s.Signal(syscall.SIGQUIT)
	wait.Until(t, "it is not ready", func() bool { return ready() == http.StatusServiceUnavailable })
	if page := s.page("http://" + metrics + "/metrics"); !strings.Contains(page, `phpsapi_state{state="leaving"} 1`) {
		t.Errorf("the metrics say otherwise: %q", regexp.MustCompile("phpsapi_state.*").FindAllString(page, -1))
	}
	return s
}

// page returns the body of a page at another address of the service.
func (s *service) page(url string) string {
	_, body := serve.Ask(s.HTTP, url)
	return body
}

// A service that is to end keeps serving for shutdown_delay, says that it is not ready, and takes no reload.
func TestShutdownDelay(t *testing.T) {
	began := time.Now()
	s := leaving(t, "4s")
	s.want("/index.php/new", http.StatusOK, "index /new ")
	for _, format := range []string{"", "--json"} {
		said, status := s.Operate(strings.Fields("top --once -i 100ms " + format)...)
		if status != 0 || !strings.Contains(said, map[string]string{"": ", normal and not ready, finishing in ", "--json": `"finishing_in":`}[format]) {
			t.Errorf("top %s: status %d, %q", format, status, said)
		}
	}
	if said, status := s.Operate("reload"); status == 0 || !strings.Contains(said, "the service is about to end") {
		t.Errorf("a reload: status %d, %q", status, said)
	}
	s.Signal(syscall.SIGUSR2)
	s.said("not reloading: the service is about to end", 1)
	wait.Until(t, "it has ended", func() bool { return s.Ended() != "" })
	if took := time.Since(began); s.Ended() != "exit status 0" || took < 4*time.Second {
		t.Errorf("%s after %v", s.Ended(), took)
	}
}

// The second order to quit ends the wait, and so does TERM.
func TestShutdownDelayIsCutShort(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGTERM} {
		service := leaving(t, "10m")
		if said := service.Order("status"); !strings.Contains(said, "state normal and not ready, finishing in 5") {
			t.Errorf("the status: %q", said)
		}
		service.Signal(s)
		wait.Until(t, "it has ended", func() bool { return service.Ended() != "" })
		if service.Ended() != "exit status 0" {
			t.Errorf("%v: %s", s, service.Ended())
		}
	}
}
