package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
)

// idle is how many children wait for requests when their memory is measured.
const idle = 50

// idleSettings have httpd and its pool keep that many.
var idleSettings = map[string]string{
	"prefork": fmt.Sprintf("StartServers %d\nMinSpareServers %[1]d\nMaxSpareServers %[1]d\n", idle),
	"event":   fmt.Sprintf("PHPSAPIPool pm static\nPHPSAPIPool pm.max_children %d\n", idle),
}

// idleChildren measures the memory of processes with PHP that wait for a request: none has had one yet, or each has had some.
func idleChildren(o Options, servers []httpd, root string) (string, error) {
	lines := [][]string{{fmt.Sprintf("%d idle processes with PHP", idle), "", "private (USS) of each", "all, proportional (PSS)", "all, private (USS)", "ratio of PSS"}}
	first := map[string]int{}
	for i := range servers {
		if servers[i].fcgi {
			continue
		}
		s, err := servers[i].start(o, root, idleSettings[servers[i].mpm])
		if err != nil {
			return "", err
		}
		err = s.running[0].WaitFor(time.Minute, func() bool { return len(s.withPHP()) >= idle })
		if err == nil {
			lines = append(lines, s.memoryLine("before the first request", first))
			if err = s.visitAll(); err == nil {
				lines = append(lines, s.memoryLine("after hello world", first))
			}
		}
		s.stop()
		if err != nil {
			return "", fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	return markdown(lines), nil
}

// withPHP are the processes of httpd that answer PHP's requests.
func (s *Stack) withPHP() []int {
	if workers := serve.Titled(s.running[0].Pid(), "php-fpm: pool"); len(workers) > 0 {
		return workers
	}
	return s.running[0].Tree()[1:]
}

// visitAll has every process asked, so that few are left that have had no request.
func (s *Stack) visitAll() error {
	address, _, _ := strings.Cut(s.address, "/")
	all := asCrowd("Hello, world!\n", idle, func() *visitor { return httpVisitor(address, "/hello.php") })
	defer all.close()
	_, err := all.ask(20 * idle)
	return err
}

func (s *Stack) memoryLine(when string, first map[string]int) []string {
	time.Sleep(time.Second) // what they do after a start or an answer
	var each []int
	for _, pid := range s.withPHP() {
		each = append(each, serve.Private(pid))
	}
	proportional, private := 0, 0
	for _, pid := range s.running[0].Tree() {
		proportional += serve.Proportional(pid)
		private += serve.Private(pid)
	}
	slices.Sort(each)
	if first[when] == 0 {
		first[when] = proportional
	}
	return []string{s.Name, when, mega(each[len(each)/2]), mega(proportional), mega(private), fmt.Sprintf("%.2f", float64(proportional)/float64(first[when]))}
}
