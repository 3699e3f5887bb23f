package main

import (
	"fmt"
	"time"
)

// measurement is one table of the report. An error says that a server does not do what it must; stock's failures are
// figures, not errors.
type measurement struct {
	name, title string
	measure     func(programs [2]program, n sizes) error
}

var measurements = []measurement{
	{"memory", "Memory over requests of one page", showMemory},
	{"kinds", "Memory of a worker, by kinds", showAnatomy},
	{"many", "Many workers that answer nothing", showMany},
	{"starts", "Workers that answer one request", showStarts},
	{"million", "A million requests, kept and new connections", showMillion},
	{"idle", "Idle kept connections", showIdle},
	{"reload", "Reloads under load", showReload},
	{"broken", "Reloads that cannot succeed", showBroken},
	{"crash", "Crashes under load", showCrash},
	{"hold", "Idle connections and slow senders, behind HTTP", showHeld},
	{"fates", "Requests that crash, behind HTTP", showFates},
}

func showMemory(programs [2]program, n sizes) error {
	fmt.Println("| requests | worker, KiB | master, KiB |\n|---|---|---|")
	total := n.requests
	var last [2]footprint
	for i, p := range programs {
		m, err := measureMemory(p, total/100, total/2, total)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		for j, f := range m.prints {
			fmt.Printf("| %s, %d | %d | %d |\n", p.name, m.requests[j], f.worker, f.master)
			last[i] = f
		}
	}
	return within(last[0], last[1])
}

// within reports whether a footprint is small enough, beside stock's.
func within(ours, theirs footprint) error {
	if ours.worker > theirs.worker+512 {
		return fmt.Errorf("a worker has %d KiB, php-fpm's %d", ours.worker, theirs.worker)
	}
	if ours.master > 6*1024 {
		return fmt.Errorf("the master has %d KiB", ours.master)
	}
	return nil
}

func showMillion(programs [2]program, n sizes) error {
	t, f, err := million(programs[0], n.million)
	fmt.Printf("phpsapi: %v; afterwards a worker has %d KiB, the master %d KiB\n", t, f.worker, f.master)
	return err
}

// idleMeasure says how long a client waited.
type idleMeasure func(program) (time.Duration, error)

func showIdle(programs [2]program, _ sizes) (err error) {
	for i, p := range programs {
		for _, m := range []struct {
			what    string
			measure idleMeasure
		}{
			{"a new client beside four idle kept connections", idleKept},
			{"the slowest of four kept connections while three workers are busy for 1 s", keptWhileBusy},
		} {
			took, failure := m.measure(p)
			if failure != nil {
				fmt.Printf("- %s, %s: %v\n", p.name, m.what, failure)
				if i == 0 {
					err = failure
				}
				continue
			}
			fmt.Printf("- %s, %s: served after %d ms\n", p.name, m.what, took.Milliseconds())
		}
	}
	return err
}

func showReload(programs [2]program, n sizes) (err error) {
	for i, p := range programs {
		r, failure := reloadUnderLoad(p, n.reloads)
		if i == 0 {
			if err = failure; err == nil {
				err = r.ok()
			}
		}
		for _, line := range r.lines() {
			fmt.Printf("- %s, %s\n", p.name, line)
		}
	}
	return err
}

func showBroken(programs [2]program, _ sizes) (err error) {
	for i, p := range programs {
		for _, b := range brokenReloads() {
			t, failure := b.survive(p)
			if failure != nil {
				fmt.Printf("- %s, %s: **%v**; %v\n", p.name, b.name, failure, t)
				if i == 0 {
					err = failure
				}
				continue
			}
			fmt.Printf("- %s, %s: keeps serving; %v\n", p.name, b.name, t)
		}
	}
	return err
}

func showCrash(programs [2]program, _ sizes) (err error) {
	for i, p := range programs {
		r, failure := crashUnderLoad(p, 20)
		if failure == nil {
			failure = r.rest.ok()
		}
		fmt.Printf("- %s, %d workers killed by their request; all others: %v\n", p.name, r.kills, r.rest)
		for _, check := range []func(program) error{killIdle, emergencyRestart} {
			if e := check(p); e != nil && failure == nil {
				failure = e
			}
		}
		if failure != nil {
			fmt.Printf("- %s: **%v**\n", p.name, failure)
		}
		if i == 0 {
			err = failure
		}
	}
	return err
}
