package main

import (
	"fmt"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
)

// anatomy is the memory of a worker by its kinds, after so many requests.
type anatomy struct {
	requests int
	kinds    map[string]serve.Mapping
}

// measureAnatomy looks at a worker that has answered nothing, and at one that has answered so many requests for one page.
func measureAnatomy(p program, requests int) (all []anatomy, err error) {
	s, err := start(p, "", fmt.Sprintf("pm.max_children = %d\n", workers+1))
	if err != nil {
		return nil, err
	}
	defer s.stop()
	var pids []int
	if err := s.WaitFor(patience, func() bool { pids = s.workerPids(); return len(pids) == workers+1 }); err != nil {
		return nil, err
	}
	for _, n := range []int{0, requests} {
		if n > 0 {
			if err := (load{clients: workers, script: "page.php", kept: true, requests: n / workers}).run(s, nil).ok(); err != nil {
				return nil, err
			}
		}
		time.Sleep(100 * time.Millisecond) // the last response has left, its request has not ended
		pid := extreme(pids, n > 0)
		all = append(all, anatomy{n, serve.MemoryByKind(pid, serve.Parent(pid))})
	}
	return all, nil
}

// extreme is the process that has most private memory, or least.
func extreme(pids []int, most bool) (pid int) {
	for _, p := range pids {
		if pid == 0 || (serve.Private(p) > serve.Private(pid)) == most {
			pid = p
		}
	}
	return pid
}

func showAnatomy(programs [2]program, n sizes) error {
	const requests = 10_000
	var of [2][]anatomy
	for i, p := range programs {
		var err error
		if of[i], err = measureAnatomy(p, requests); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	fmt.Println("| KiB | phpsapi, fresh: private | PSS | 10,000 requests: private | PSS | php-fpm, fresh: private | PSS | 10,000 requests: private | PSS |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|")
	line := func(name string, of func(map[string]serve.Mapping) serve.Mapping, all [2][]anatomy) {
		text, something := "| "+name, false
		for _, p := range all {
			for _, a := range p {
				m := of(a.kinds)
				text += fmt.Sprintf(" | %d | %d", m.Private, m.Proportional)
				something = something || m.Resident > 0
			}
		}
		if something {
			fmt.Println(text + " |")
		}
	}
	for _, k := range serve.Kinds {
		line(k, func(kinds map[string]serve.Mapping) serve.Mapping { return kinds[k] }, of)
	}
	line("all", total, of)
	return nil
}

// total is the sum of all kinds.
func total(kinds map[string]serve.Mapping) (sum serve.Mapping) {
	for _, m := range kinds {
		sum.Resident += m.Resident
		sum.Proportional += m.Proportional
		sum.Private += m.Private
		sum.Huge += m.Huge
	}
	return sum
}
