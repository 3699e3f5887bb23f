package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
)

// state is what a service has of the machine. Two are compared, before a fault and after it, when nobody asks for anything.
type state map[string]int

// kindOf says what a process of the service is.
func (s *service) kindOf(pid int) string {
	title := serve.Title(pid)
	for _, kind := range []string{"php-fpm: master process", "php-fpm: front process", "php-fpm: zygote process"} {
		if strings.HasPrefix(title, kind) {
			return kind
		}
	}
	return title
}

// processes are the numbers of the service's processes, by kind.
func (s *service) processes() state {
	all := state{}
	for _, pid := range s.Tree() {
		all["process "+s.kindOf(pid)]++
	}
	if all["process "] > 0 { // between its birth and its title, or its death and its burial
		all["process without a title"] = all["process "]
		delete(all, "process ")
	}
	return all
}

// accidental is what differs in the names of descriptors from one process to the next.
var accidental = regexp.MustCompile(`\[\d+\]|/\.ZendSem\.\w+`)

// look is all that is compared: processes, zombies, descriptors, shared memory, sockets, and files.
func (s *service) look() state {
	all := s.processes()
	most := state{} // what the worker that has most has
	memory := map[string]bool{}
	for _, pid := range s.Tree() {
		kind := s.kindOf(pid)
		mine := state{}
		entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		for _, e := range entries {
			to, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, e.Name()))
			if err == nil && !strings.HasPrefix(to, s.root()) { // a script that opcache has not had
				mine[kind+" has open "+accidental.ReplaceAllString(to, "")]++
			}
		}
		for key, n := range mine {
			most[key] = max(most[key], n)
		}
		for _, m := range serve.Mappings(pid) {
			if strings.HasPrefix(m.Name, "/memfd:") || strings.HasPrefix(m.Name, "/dev/zero") || strings.HasPrefix(m.Name, "/SYSV") || strings.HasPrefix(m.Name, "/dev/shm") {
				memory[kind+" "+m.Name] = true
			}
		}
	}
	for key, n := range most {
		all[key] = n
	}
	for key := range memory {
		all["shared memory of "+key]++
	}
	all["zombies"] = zombies(s.Tree())
	all["listening unix sockets"], all[kept] = s.unixSockets()
	for _, dir := range []string{s.dir, s.temporary()} {
		files, _ := filepath.Glob(dir + "/*")
		all["files in "+filepath.Base(dir)] = len(files)
	}
	return all
}

// kept is the number of connections to the pools that are open though nobody asks: the front keeps some, up to one for each worker.
// They are sockets of the front, and of workers or the master.
const kept = "kept connections"

// unixSockets counts the service's unix sockets that have a name: those that listen, and those of connections.
func (s *service) unixSockets() (listening, connected int) {
	const acceptsConnections = 1 << 16 // __SO_ACCEPTCON
	table, _ := os.ReadFile("/proc/net/unix")
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) < 8 || !strings.HasPrefix(f[7], s.dir) {
			continue
		}
		if flags, _ := strconv.ParseInt(f[3], 16, 64); flags&acceptsConnections != 0 {
			listening++
		} else {
			connected++
		}
	}
	return listening, connected
}

// zombies counts processes that have ended and were not waited for.
func zombies(tree []int) (n int) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		text, _ := os.ReadFile("/proc/" + e.Name() + "/stat")
		f := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		if len(f) < 2 || string(f[0]) != "Z" {
			continue
		}
		if parent, _ := strconv.Atoi(string(f[1])); slices.Contains(tree, parent) {
			n++
		}
	}
	return n
}

// without returns the differences from another state. Fewer descriptors and less memory are none: what a worker
// has opened for a request its successor has not yet.
func (now state) without(before state) (differences []string) {
	keys := map[string]bool{}
	for k := range now {
		keys[k] = true
	}
	for k := range before {
		keys[k] = true
	}
	for k := range keys {
		n, b := now[k], before[k]
		switch {
		case k == kept:
			b = wwwWorkers
		case strings.HasSuffix(k, " has open socket:"):
			b += now[kept]
		}
		if n > b || n < b && strings.HasPrefix(k, "process ") {
			differences = append(differences, fmt.Sprintf("%s: %d, before %d", k, n, b))
		}
	}
	slices.Sort(differences)
	return differences
}

// rest is how long a service may take to be as it was.
const rest = 20 * time.Second

// quiet returns the state of a service when that has not changed for a while.
func (s *service) quiet() state {
	last := s.look()
	for end, since := time.Now().Add(rest), time.Now(); time.Now().Before(end) && time.Since(since) < 300*time.Millisecond; time.Sleep(50 * time.Millisecond) {
		if now := s.look(); len(now.without(last)) > 0 || len(last.without(now)) > 0 {
			last, since = now, time.Now()
		}
	}
	return last
}

// settle waits until the service is as it was.
func (s *service) settle(before state) error {
	var differences []string
	for end := time.Now().Add(rest); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if how := s.Ended(); how != "" {
			return fmt.Errorf("the master has ended: %s", how)
		}
		if differences = s.look().without(before); len(differences) == 0 {
			return nil
		}
	}
	return fmt.Errorf("not as before: %s", strings.Join(differences, "; "))
}

// whole waits until the processes are as they were, and returns how long that took.
func (s *service) whole(before state, since time.Time) (time.Duration, error) {
	for end := time.Now().Add(rest); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if len(s.processes().without(before)) == 0 {
			return time.Since(since), nil
		}
	}
	return 0, fmt.Errorf("processes: %s", strings.Join(s.processes().without(before), "; "))
}

// onlyProcesses is the part of a state that whole looks at.
func (now state) onlyProcesses() state {
	some := state{}
	for k, n := range now {
		if strings.HasPrefix(k, "process ") {
			some[k] = n
		}
	}
	return some
}
