package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
)

// while is how long the machine lacks something.
const while = 1500 * time.Millisecond

// resourceFaults are what the machine lacks, and files that are gone.
func resourceFaults() []*fault {
	return []*fault{
		{name: "killed by the kernel for memory", stock: true, needs: canGroup,
			with:    settings{limit: 600 << 20},
			allowed: oneEach(3), inject: exhaust},
		{name: "disk full: logs, uploads and spool", stock: true, needs: canMount, with: settings{small: true}, inject: fillDisk},
		{name: "no descriptors left: the master, and a worker is killed", stock: true, random: true, allowed: oneEach(1), inject: func(r *run) error {
			back, err := noDescriptors(r.Pid())
			if err != nil {
				return err
			}
			worker, err := r.anyOf(r.workers("www"))
			if err == nil {
				syscall.Kill(worker, syscall.SIGKILL)
				time.Sleep(while)
			}
			r.lift()
			return errors.Join(err, back())
		}},
		{name: "no descriptors left: a worker", stock: true, random: true, allowed: noFile, inject: lackDescriptors(func(r *run) []int { return first(r.workers("www")) })},
		{name: "no descriptors left: all workers", stock: true, random: true, allowed: noFile, inject: lackDescriptors(func(r *run) []int {
			return append(r.workers("www"), r.workers("app")...)
		})},
		{name: "no descriptors left: the front", allowed: noFront, inject: lackDescriptors(func(r *run) []int { return r.front() })},
		{name: "no descriptors left: the front, which accepts", with: settings{noDirect: true}, allowed: noFront, inject: lackDescriptors(func(r *run) []int { return r.front() })},
		{name: "no descriptors left: the zygotes", random: true, inject: lackDescriptors(func(r *run) []int { return r.zygotes() })},

		{name: "logs removed, and reopened", stock: true, inject: func(r *run) error {
			for _, name := range []string{"log", "access", "http"} {
				os.Remove(filepath.Join(r.logs(), name))
			}
			r.Signal(syscall.SIGUSR1)
			return r.WaitFor(10*time.Second, func() bool {
				_, log := os.Stat(r.log())
				_, access := os.Stat(r.logs() + "/access")
				return log == nil && access == nil
			})
		}},
		{name: "the directory of the logs and of the pid file is gone", inject: func(r *run) error {
			away := r.logs() + ".away"
			if err := os.Rename(r.logs(), away); err != nil {
				return err
			}
			r.Signal(syscall.SIGUSR1)
			err := r.reload()
			if err == nil {
				err = errors.New("the reload has succeeded")
			} else {
				err = nil
			}
			r.lift()
			return errors.Join(err, os.Rename(away, r.logs()), r.reload())
		}},
		{name: "the pid file is removed", stock: true, inject: func(r *run) error {
			return errors.Join(os.Remove(r.pid()), r.reload(), exists(r.pid()))
		}},
		{name: "the pool's socket is removed, and reloaded", allowed: allowed{requests: 1 << 30, as: []end{refused, unavailable}, retried: true}, inject: func(r *run) error {
			if err := os.Remove(serve.Socket(r.dir)); err != nil {
				return err
			}
			time.Sleep(200 * time.Millisecond)
			err := r.reload()
			r.lift()
			return errors.Join(err, exists(serve.Socket(r.dir)))
		}},
	}
}

// noFile is what becomes of the requests that workers have just then: PHP cannot open the script, nor a file that it includes. php-fpm
// says of the one that it is not there, and leaves away what it has no file for.
var noFile = allowed{requests: wwwWorkers + appWorkers, as: []end{failed, unavailable, closed}, retried: true}

// noFront is what a front may do that can reach no pool.
var noFront = allowed{requests: 1 << 30, as: []end{unavailable, closed}, retried: true}

func exists(path string) error {
	_, err := os.Stat(path)
	return err
}

// noDescriptors sees that a process can open nothing more, until back is called.
func noDescriptors(pid int) (back func() error, err error) {
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	if err != nil {
		return nil, err
	}
	_, after, _ := strings.Cut(string(limits), "Max open files")
	before, err := strconv.ParseUint(strings.Fields(after)[0], 10, 64)
	if err != nil {
		return nil, err
	}
	// The limit is of numbers, not of how many there are, and the standard descriptors are open.
	if err := serve.LimitDescriptors(pid, fmt.Sprintf("%d:", 3)); err != nil {
		return nil, err
	}
	return func() error {
		if !serve.Lives(pid) {
			return nil
		}
		return serve.LimitDescriptors(pid, fmt.Sprintf("%d:", before))
	}, nil
}

func lackDescriptors(pids func(r *run) []int) func(r *run) error {
	return func(r *run) (err error) {
		for _, pid := range pids(r) {
			back, e := noDescriptors(pid)
			if e != nil && !serve.Lives(pid) {
				continue // it has ended since: after a reload, say
			}
			if e != nil {
				err = errors.Join(err, e)
				continue
			}
			defer func() { err = errors.Join(err, back()) }()
		}
		time.Sleep(while)
		r.lift()
		return err
	}
}

// fillDisk leaves no room for logs and temporary files, while requests are logged, files uploaded and slow clients served.
func fillDisk(r *run) error {
	filler := filepath.Join(r.inner(), "filler")
	f, err := os.Create(filler)
	if err != nil {
		return err
	}
	for piece := make([]byte, 64<<10); len(piece) > 0; {
		if _, err := f.Write(piece); err != nil {
			if !errors.Is(err, syscall.ENOSPC) {
				return err
			}
			piece = piece[:len(piece)/2]
		}
	}
	f.Close()
	for _, d := range r.doors() {
		v := d.visitor(r.service, false)
		// A body of 8 MB is stored by php-fpm in a file, and by the front if it comes slowly.
		got := v.ask(request{n: 1, body: bytes.Repeat([]byte("x"), 8<<20)})
		if got.end == wrong && r.stock { // without a body, as PHP cannot have it
			got.end = answered
		}
		if got.end != answered && got.end != failed && got.end != unavailable {
			err = errors.Join(err, fmt.Errorf("a body of 8 MB by %s: %v", d, got))
		}
	}
	err = errors.Join(err, r.misbehave(slowly))
	time.Sleep(while)
	r.lift()
	if e := os.Remove(filler); e != nil {
		return errors.Join(err, e)
	}
	// What is written from now on is in the logs again.
	size := func() int64 {
		info, err := os.Stat(filepath.Join(r.logs(), "access"))
		if err != nil {
			return 0
		}
		return info.Size()
	}
	began := size()
	return errors.Join(err, r.WaitFor(10*time.Second, func() bool { return size() > began }))
}
