package worker

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/conf"
)

// The zygote forks the workers of all pools: what it was told of one must not reach the memory of another's.
func TestWorkerDoesNotHoldWhatAnotherPoolWasTold(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	// Put together here, so that the test's own text is not found: a worker is this program.
	secret := strings.Join([]string{"passw0rd", "of", "another", "pool"}, "~")
	value := strings.Repeat("x", 2000) + secret
	p.conf.Env = []conf.KeyValue{{Key: "SECRET", Value: value}}
	p.conf.PHPValues = []conf.KeyValue{{Key: "auto_append_file", Value: value}}
	told := p.spawn()
	p.conf.Env, p.conf.PHPValues = nil, nil
	other := p.spawn()
	if !holds(t, told.pid, secret) {
		t.Error("the worker does not hold what it was told itself: the test finds nothing")
	}
	if holds(t, other.pid, secret) {
		t.Error("a worker holds what another pool's worker was told")
	}
}

// holds reports whether a process has a text anywhere in its memory.
func holds(t *testing.T, pid int, text string) bool {
	t.Helper()
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer maps.Close()
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	buffer := make([]byte, 1<<20)
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var from, to int64
		var mode string
		if n, _ := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &mode); n < 3 || mode[0] != 'r' {
			continue
		}
		for at := from; at < to; at += int64(len(buffer) - len(text)) {
			n, err := memory.ReadAt(buffer[:min(int64(len(buffer)), to-at)], at)
			if err != nil && n == 0 {
				break // of the kernel's own
			}
			if bytes.Contains(buffer[:n], []byte(text)) {
				return true
			}
		}
	}
	return false
}
