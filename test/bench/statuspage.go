package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/test/bench/plot"
	"github.com/phpsapi/phpsapi/test/serve"
)

// measureStatus measures the status of the pool with the most workers.
func measureStatus(dir string, programs [2]program, n scale) (string, []plot.Picture, error) {
	workers := n.workers[len(n.workers)-1]
	lines := [][]string{{fmt.Sprintf("status of %d workers", workers), "", "time, ms", "CPU, ms", "size, KB"}}
	for i, p := range programs {
		s, err := startService(dir, p, 1, fmt.Sprintf("pm = static\npm.max_children = %d\npm.status_path = /status", workers))
		if err != nil {
			return "", nil, err
		}
		defer s.stop()
		for _, uri := range []string{"/status", "/status?full", "/status?full&json"} {
			line, err := measurePage(n.pages, func() (size int, took, cpu time.Duration, err error) {
				before, began := s.CPU(), time.Now()
				body, err := s.ask(0, uri)
				took = time.Since(began)
				if strings.Contains(uri, "full") && strings.Count(body, "request duration") != workers {
					err = fmt.Errorf("%s: %d workers of %d: %w\n%.1000s", uri, strings.Count(body, "request duration"), workers, err, body)
				}
				return len(body), took, s.CPU() - before, err
			})
			if err != nil {
				return "", nil, fmt.Errorf("%s: %w", p.name, err)
			}
			lines = append(lines, append([]string{uri, p.name}, line...))
		}
		if i > 0 {
			continue
		}
		for _, arguments := range [][]string{nil, {"--full"}, {"--full", "--json"}} {
			line, err := measurePage(n.pages, func() (int, time.Duration, time.Duration, error) { return s.operatorsStatus(arguments) })
			if err != nil {
				return "", nil, err
			}
			lines = append(lines, append([]string{strings.Join(append([]string{"phpsapi fpm status"}, arguments...), " "), p.name}, line...))
		}
	}
	return markdown(lines), nil, nil
}

// measurePage asks several times, and shows how long that took, what it cost, and how much came.
func measurePage(times int, ask func() (size int, took, cpu time.Duration, err error)) ([]string, error) {
	var took, costs []float64
	size := 0
	for range times {
		n, t, cpu, err := ask()
		if err != nil {
			return nil, err
		}
		took, costs, size = append(took, t.Seconds()*1e3), append(costs, cpu.Seconds()*1e3), n
	}
	return []string{middle("%.1f", took), middle("%.1f", costs), fmt.Sprintf("%.1f", float64(size)/1e3)}, nil
}

// operatorsStatus runs phpsapi fpm status. Its CPU time is the command's and the master's.
func (s *service) operatorsStatus(arguments []string) (size int, took, cpu time.Duration, err error) {
	cmd := exec.Command(s.command[0], slices.Concat(s.command[1:], []string{"status", "--master", fmt.Sprint(s.Pid())}, arguments)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	before, began := serve.OwnCPU(s.Pid()), time.Now()
	text, err := cmd.Output()
	took = time.Since(began)
	if err != nil {
		return 0, 0, 0, fmt.Errorf("phpsapi fpm status: %w: %s", err, said.String())
	}
	return len(text), took, serve.OwnCPU(s.Pid()) - before + cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}
