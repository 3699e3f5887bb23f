package main

import (
	"errors"
	"strings"
	"syscall"
	"time"
)

// reloadFaults are reloads, and faults in the middle of one.
func reloadFaults() (all []*fault) {
	all = []*fault{
		{name: "reload: five in a row, 20 ms apart", stock: true, random: true, inject: func(r *run) error {
			n := strings.Count(r.logged(), ready)
			for range 5 {
				r.Signal(reloadSignal)
				time.Sleep(20 * time.Millisecond)
			}
			return r.says(n+1, ready)
		}},
		{name: "reload: while requests are under way", stock: true, random: true, inject: func(r *run) error {
			var victims []*victim
			for _, d := range r.doors() {
				v, err := r.victim(d, 1500*time.Millisecond)
				if err != nil {
					return err
				}
				victims = append(victims, v)
			}
			if err := r.reload(); err != nil {
				return err
			}
			for _, v := range victims {
				if err := v.ends(answered); err != nil {
					return err
				}
			}
			return nil
		}},
		{name: "upgrade: the program is replaced, and reloaded", stock: true, with: settings{copied: true}, inject: func(r *run) error {
			if err := r.replaceProgram(); err != nil {
				return err
			}
			return errors.Join(r.reload(), r.isUpgraded())
		}},
		{name: "log files reopened ten times", stock: true, random: true, inject: func(r *run) error {
			for range 10 {
				r.Signal(syscall.SIGUSR1)
				time.Sleep(20 * time.Millisecond)
			}
			return nil
		}},
	}
	for _, within := range []struct {
		name    string
		allowed allowed
		stock   bool
		pids    func(r *run) []int
	}{
		{"a worker is killed", oneEach(1), true, func(r *run) []int { return first(r.workers("www")) }},
		{"all workers are killed", oneEach(4 * (wwwWorkers + appWorkers)), true, func(r *run) []int { return append(r.workers("www"), r.workers("app")...) }},
		{"the zygotes are killed", none, false, func(r *run) []int { return r.zygotes() }},
		{"the front is killed", allowed{retried: true}, false, func(r *run) []int { return r.front() }},
	} {
		f := &fault{name: "reload: " + within.name + " in the middle", stock: within.stock, random: true, allowed: within.allowed}
		f.inject = func(r *run) error {
			n := strings.Count(r.logged(), ready)
			for at := range 4 { // a reload is shorter than the last, as a rule
				r.Signal(reloadSignal)
				time.Sleep(time.Duration(at) * 40 * time.Millisecond)
				for _, pid := range within.pids(r) {
					syscall.Kill(pid, syscall.SIGKILL)
				}
				time.Sleep(300 * time.Millisecond)
			}
			r.lift()
			if !r.stock { // on a slow machine all of them may have failed
				return r.reload()
			}
			return r.says(n+1, ready)
		}
		if within.stock {
			f.allowed.requests *= 4
		}
		all = append(all, f)
	}
	return all
}

const ready = "ready to handle connections"

// first is the first of some processes, if there is one.
func first(pids []int) []int { return pids[:min(1, len(pids))] }
