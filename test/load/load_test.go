//go:build e2e

package main

import (
	"os"
	"strings"
	"testing"
	"time"
)

var programs [2]program

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "phpsapi-load-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ours, err := phpsapi(dir, "")
	if err != nil {
		panic(err)
	}
	programs = [2]program{ours, {"php-fpm", stock}}
	return m.Run()
}

func TestReloadUnderLoadLosesNothing(t *testing.T) {
	r, err := reloadUnderLoad(programs[0], 10)
	for _, line := range r.lines() {
		t.Log(line)
	}
	if err != nil {
		t.Error(err)
	}
	if err := r.ok(); err != nil {
		t.Error(err)
	}
}

func TestReloadThatFailsLosesNothing(t *testing.T) {
	for _, b := range brokenReloads() {
		t.Run(b.name, func(t *testing.T) {
			if _, err := b.survive(programs[0]); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestIdleKeptConnectionsHoldNoWorker(t *testing.T) {
	for name, measure := range map[string]idleMeasure{"a new client": idleKept, "a request on a kept connection": keptWhileBusy} {
		if took, err := measure(programs[0]); err != nil || took.Milliseconds() > 500 {
			t.Errorf("%s waited %v, %v", name, took, err)
		}
	}
}

func TestCrashCostsTheRequestInHand(t *testing.T) {
	r, err := crashUnderLoad(programs[0], 10)
	if err != nil {
		t.Error(err)
	}
	if err := r.rest.ok(); err != nil {
		t.Error(err)
	}
	if err := killIdle(programs[0]); err != nil {
		t.Error(err)
	}
	if err := emergencyRestart(programs[0]); err != nil {
		t.Error(err)
	}
}

// A request's text without a line end is a line of its own, however fast the next one comes.
func TestTextsOfRequestsAreNotMixed(t *testing.T) {
	s, err := start(programs[0], "", "catch_workers_output = yes\n")
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	const requests = 2000
	for _, to := range []string{"stderr", "stdout"} {
		for _, script := range []string{"hello.php", "say.php?to=" + to} {
			l := load{clients: workers, script: script, kept: true, requests: requests / workers}
			if err := l.run(s, nil).ok(); err != nil {
				t.Fatal(err)
			}
		}
		line, got := "said into "+to+": \"a text without end\"\n", 0
		for end := time.Now().Add(patience); got < requests && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			got = strings.Count(s.logged(), line)
		}
		if got != requests {
			t.Errorf("%d requests wrote to %s, %d lines of the log are so", requests, to, got)
		}
	}
}

func TestMemoryDoesNotGrow(t *testing.T) {
	var last [2]footprint
	for i, p := range programs {
		m, err := measureMemory(p, 2_000, 20_000)
		if err != nil {
			t.Fatal(err)
		}
		last[i] = m.prints[len(m.prints)-1]
		if before := m.prints[len(m.prints)-2]; i == 0 && last[i].worker > before.worker+256 {
			t.Errorf("a worker had %d KiB, then %d", before.worker, last[i].worker)
		}
	}
	if err := within(last[0], last[1]); err != nil {
		t.Error(err)
	}
}

func TestEachRequestHasAWorkerOfItsOwn(t *testing.T) {
	r, err := startsUnderLoad(programs[0], 2_000)
	t.Log(r)
	if err != nil {
		t.Error(err)
	}
}

func TestManyRequestsOnKeptAndNewConnections(t *testing.T) {
	sum, f, err := million(programs[0], 100_000)
	t.Log(sum, f)
	if err != nil {
		t.Error(err)
	}
}

func TestIdleAndSlowClientsHoldNobodyUp(t *testing.T) {
	c := crowd{idle: 2_000, slow: 200, lasting: 4 * time.Second, head: time.Second}
	h, err := entrances(programs)[0].hold(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range h.lines() {
		t.Log(line)
	}
	if err := h.ok(c); err != nil {
		t.Error(err)
	}
}

func TestCrashBehindHTTPCostsTheRequestInHand(t *testing.T) {
	r, err := meetFates(entrances(programs)[0], 3)
	for _, f := range r.fates {
		t.Log(f)
	}
	t.Log(r.rest)
	if err != nil {
		t.Error(err)
	}
	if err := r.ok(); err != nil {
		t.Error(err)
	}
}
