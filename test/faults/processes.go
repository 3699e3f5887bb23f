package main

import (
	"fmt"
	"slices"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
)

// processFaults are signals to the service's processes.
func processFaults() (all []*fault) {
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSEGV} {
		name := map[syscall.Signal]string{syscall.SIGKILL: "SIGKILL", syscall.SIGSEGV: "SIGSEGV"}[sig]
		all = append(all,
			&fault{name: name + ": a worker with a request", stock: true, random: true, allowed: allowed{retried: true}, inject: func(r *run) error {
				for _, d := range r.doors() {
					v, err := r.victim(d, 10*time.Second)
					if err != nil {
						return err
					}
					syscall.Kill(v.worker, sig)
					if err := v.ends(lost(d)); err != nil {
						return err
					}
				}
				return nil
			}},
			&fault{name: name + ": any worker, ten times", stock: true, random: true, allowed: oneEach(10), inject: func(r *run) error {
				for range 10 {
					pid, err := r.anyOf(append(r.workers("www"), r.workers("app")...))
					if err != nil {
						return err
					}
					syscall.Kill(pid, sig)
					if err := r.gone(pid); err != nil {
						return err
					}
				}
				return nil
			}},
			&fault{name: name + ": all workers at once", stock: true, random: true, allowed: oneEach(2 * (wwwWorkers + appWorkers)), inject: func(r *run) error {
				for _, pid := range append(r.workers("www"), r.workers("app")...) {
					syscall.Kill(pid, sig)
				}
				return nil
			}},
			&fault{name: name + ": the zygotes", random: true, inject: func(r *run) error {
				for _, pid := range r.zygotes() {
					syscall.Kill(pid, sig)
					if err := r.gone(pid); err != nil {
						return err
					}
				}
				return nil
			}},
			&fault{name: name + ": a zygote, and then a worker that it would have to replace", random: true, allowed: oneEach(1), inject: func(r *run) error {
				zygote, err := r.anyOf(r.zygotes())
				if err != nil {
					return err
				}
				worker, err := r.anyOf(r.workers("www"))
				if err != nil {
					return err
				}
				syscall.Kill(zygote, sig)
				syscall.Kill(worker, sig)
				return r.gone(worker)
			}},
		)
		for _, noDirect := range []bool{false, true} {
			f := &fault{name: name + ": the front", random: !noDirect, inject: killFront(sig)}
			if noDirect {
				f.name, f.with.noDirect = f.name+", which accepts", true
				f.allowed = allowed{requests: 2, as: []end{closed}, retried: true} // both callers by HTTP are its
			} else {
				f.allowed = allowed{retried: true}
			}
			all = append(all, f)
		}
		all = append(all, &fault{name: name + ": the master, which is started again", stock: true, allowed: whatever, inject: func(r *run) error {
			tree := r.Tree()
			r.Signal(sig)
			for _, pid := range tree {
				if pid != r.Pid() && r.stock {
					syscall.Kill(pid, syscall.SIGKILL) // php-fpm's workers live on, and would be there for ever
				}
			}
			if err := r.wait(20*time.Second, func() bool { return r.Ended() != "" }); err != nil {
				return fmt.Errorf("the master: %w", err)
			}
			if err := r.wait(20*time.Second, func() bool { return !slices.ContainsFunc(tree, serve.Lives) }); err != nil {
				return fmt.Errorf("what is left of the service: %w", err)
			}
			r.lift()
			return r.launch()
		}})
	}
	return append(all, stops()...)
}

func killFront(sig syscall.Signal) func(r *run) error {
	return func(r *run) error {
		for _, pid := range r.front() {
			syscall.Kill(pid, sig)
			if err := r.gone(pid); err != nil {
				return err
			}
		}
		return nil
	}
}

// stops are processes that are stopped for a while, or for ever.
func stops() []*fault {
	const while = 1500 * time.Millisecond
	stop := func(pids func(r *run) []int) func(r *run) error {
		return func(r *run) error {
			all := pids(r)
			for _, pid := range all {
				syscall.Kill(pid, syscall.SIGSTOP)
			}
			time.Sleep(while)
			for _, pid := range all {
				syscall.Kill(pid, syscall.SIGCONT)
			}
			r.lift()
			return nil
		}
	}
	one := func(pids func(r *run) []int) func(r *run) []int {
		return func(r *run) []int {
			pid, err := r.anyOf(pids(r))
			if err != nil {
				return nil
			}
			return []int{pid}
		}
	}
	www := func(r *run) []int { return r.workers("www") }
	front := func(r *run) []int { return r.front() }
	return []*fault{
		{name: "SIGSTOP: a worker, for 1.5 s", stock: true, random: true, inject: stop(one(www))},
		{name: "SIGSTOP: all workers, for 1.5 s", stock: true, random: true, inject: stop(func(r *run) []int {
			return append(r.workers("www"), r.workers("app")...)
		})},
		{name: "SIGSTOP: the zygotes, for 1.5 s", random: true, inject: stop(func(r *run) []int { return r.zygotes() })},
		{name: "SIGSTOP: the front, for 1.5 s", random: true, inject: stop(front), allowed: allowed{retried: true}},
		{name: "SIGSTOP: the front, which accepts, for 1.5 s", with: settings{noDirect: true}, inject: stop(front), allowed: allowed{retried: true}},
		{name: "SIGSTOP: the master, for 1.5 s", stock: true, random: true, inject: stop(func(r *run) []int { return []int{r.Pid()} })},
		{name: "SIGSTOP: a worker with a request, for ever, with request_terminate_timeout", stock: true,
			with: settings{pool: "request_terminate_timeout = 2s"}, allowed: allowed{retried: true}, inject: func(r *run) error {
				v, err := r.victim(byFastCGI, 10*time.Second)
				if err != nil {
					return err
				}
				syscall.Kill(v.worker, syscall.SIGSTOP)
				err = v.ends(closed)
				if r.stock {
					syscall.Kill(v.worker, syscall.SIGKILL) // it would be there for ever
				}
				return err
			}},
		{name: "SIGSTOP: the zygotes, for ever, and workers are killed", long: true, allowed: oneEach(2), inject: func(r *run) error {
			for _, pid := range r.zygotes() {
				syscall.Kill(pid, syscall.SIGSTOP)
			}
			for _, pool := range []string{"www", "app"} {
				worker, err := r.anyOf(r.workers(pool))
				if err != nil {
					return err
				}
				syscall.Kill(worker, syscall.SIGKILL)
				if err := r.gone(worker); err != nil {
					return err
				}
			}
			return nil
		}},
	}
}

// wait waits until something is so, whether the service has ended or not.
func (r *run) wait(patience time.Duration, so func() bool) error {
	for end := time.Now().Add(patience); !so(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("not within %v", patience)
		}
	}
	return nil
}
