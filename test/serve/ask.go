package serve

import (
	"errors"
	"io"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/wait"
)

// Ask asks for a page by HTTP, with headers, name and value in turn. It returns the status and the text of the answer, or 0
// and why there is none.
func Ask(client *http.Client, url string, headers ...string) (status int, text string) {
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		return 0, err.Error()
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	answer, err := client.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err.Error()
	}
	return answer.StatusCode, string(body)
}

// Sample returns the value of a sample on a page of metrics, by its name and labels, or -1 if the page lacks it.
func Sample(page, sample string) float64 {
	for line := range strings.Lines(page) {
		if value, found := strings.CutPrefix(line, sample+" "); found {
			if n, err := strconv.ParseFloat(strings.TrimSpace(value), 64); err == nil {
				return n
			}
		}
	}
	return -1
}

// Execute runs a command to its end and returns what it prints on both streams and its exit status, -1 if a signal ended
// it. A command that does not end is killed.
func Execute(t testing.TB, cmd *exec.Cmd) (printed string, status int) {
	t.Helper()
	out := &Output{}
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = out, out, 5*time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer time.AfterFunc(2*wait.Patience, func() { cmd.Process.Kill() }).Stop()
	var ended *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}
