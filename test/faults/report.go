package main

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// page is docs/FAULTS.md.
type page struct {
	o            options
	rows         []row
	random       [2]*outcome
	many, broken [2][]edge
	soak         *soak
}

// row is a fault with what became of it in both programs; the second is php-fpm's, nil if it has no such thing.
type row struct {
	ours, theirs *outcome
}

const introduction = `# Faults

<!-- Written by: go run ./test/faults -o docs/FAULTS.md -->

    make faults                                  # all of it, some %s; FAULTTIME is for how long faults come at random
    make soak                                    # a long load alone, with a reload each minute; SOAKTIME is for how long
    go run ./test/faults -only SIGKILL,reload    # faults whose names contain one of these
    go run ./test/faults -list                   # their names
    go run ./test/faults -only none -for 10m -seed %d

Faults are injected into a service while six clients ask: by FastCGI, by HTTP and in worker mode, on kept and on new connections, with bodies of 100 KB,
answers of 100 KB, and scripts that take 20 ms among the requests. php-fpm has the same without HTTP and worker mode. Each answer is compared with what
its request asked for, and shows what requests before it have left behind in the worker. Each fault says which requests it may cost, and how they may end.
Afterwards the processes, zombies, descriptors, shared memory, sockets and temporary files of the service must be what they were before. What
scripts answer must be what php-fpm answers. ` + "`make e2e`" + ` has each fault once.

Measured on %s, %d processors of the kind %s, Linux %s. Other work was done on the machine meanwhile: times are upper bounds.

- *failed, as it may*: requests of the load that the fault may cost, such as the one that a killed worker had. The requests by which scripts harm their
  worker are not part of the load.
- *asked again*: the server has closed a kept connection before anything had come of the answer, and the request was answered on a new one. Web servers
  and browsers do that.
- *lost*: all others that failed, had a wrong answer, or that of an old generation after a reload. For phpsapi this must be 0.
- *slowest*: the slowest request of the load.
- *whole again*: when all processes were there again, after the fault had come, or had ended if it lasts. *Never* is: not within 20 s.

`

// text is the page.
func (p page) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, introduction, "half an hour", p.o.seed, time.Now().Format("2 January 2006"), runtime.NumCPU(), processor(), kernel())
	b.WriteString("## Faults one by one\n\n| fault | requests | failed, as it may | asked again | lost | slowest | whole again | php-fpm: requests | failed, as it may | asked again | lost | slowest | whole again | |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range p.rows {
		r.write(&b)
	}
	if p.random[0] != nil {
		b.WriteString("\n## Faults at random\n\nTen faults come one after the other, 0 to 0.3 s apart, without a wait for the recovery; then the state is compared, and the next ten come.\n\n")
		b.WriteString("| | requests | failed, as it may | asked again | lost | slowest | whole again |\n|---|---|---|---|---|---|---|\n")
		for i, name := range []string{"phpsapi", "php-fpm"} {
			if o := p.random[i]; o != nil {
				fmt.Fprintf(&b, "| %s: %s | %s |\n", name, o.fault.name, o.cells())
			}
		}
	}
	if len(p.many[0]) > 0 {
		fmt.Fprintf(&b, "\n## Reloads\n\n%d clients ask meanwhile. When `phpsapi fpm reload` has returned, or the log has said that it is ready to handle connections, no request that begins may be answered by an older generation: such answers are *stale*. php-fpm is reloaded three times: eight clients keep their connections, each of which holds one of its six workers.\n\n", edgeClients)
		b.WriteString("| | reloads | slowest reload | requests | failed | stale | asked again | slowest |\n|---|---|---|---|---|---|---|---|\n")
		p.writeEdges(&b, p.many)
	}
	if len(p.broken[0]) > 0 {
		b.WriteString("\nReloads that cannot succeed: phpsapi must say why, continue, and succeed when all is as before.\n\n| | requests | failed | after it |  php-fpm: requests | failed | after it |\n|---|---|---|---|---|---|---|\n")
		p.writeBroken(&b)
	}
	if p.soak != nil {
		p.soak.write(&b)
	}
	return b.String()
}

func (r row) write(b *strings.Builder) {
	remark := ""
	if r.ours.err != nil {
		remark = "**phpsapi: " + line(r.ours.err) + "**"
	} else if r.theirs != nil && r.theirs.err != nil {
		remark = "php-fpm: " + line(r.theirs.err)
	}
	fmt.Fprintf(b, "| %s | %s | %s | %s |\n", r.ours.fault.name, r.ours.cells(), r.theirs.cells(), remark)
}

var directories = regexp.MustCompile(`/tmp/phpsapi-faults-\d+/`)

// line is the beginning of an error, for a cell.
func line(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	text = strings.NewReplacer("|", "/", "<", "&lt;").Replace(directories.ReplaceAllString(text, ""))
	if len(text) > 160 {
		text = text[:160] + "..."
	}
	return text
}

func (p page) writeEdges(b *strings.Builder, both [2][]edge) {
	for i, name := range []string{"phpsapi", "php-fpm"} {
		for _, e := range both[i] {
			fmt.Fprintf(b, "| %s, %s | %d | %v | %d | %s | %s | %d | %v |\n", name, e.what, e.reloads, e.slowest.Round(time.Millisecond), e.sent,
				bold(len(e.failed)), bold(e.stale), e.retried, e.tally.slowest.Round(time.Millisecond))
		}
	}
}

func (p page) writeBroken(b *strings.Builder) {
	cells := func(e *edge) string {
		if e == nil {
			return " | | "
		}
		after := "serves"
		switch {
		case e.ended:
			after = "has ended"
		case e.err != nil:
			after = line(e.err)
		}
		return fmt.Sprintf("%d | %s | %s", e.sent, bold(len(e.failed)), after)
	}
	for i := range p.broken[0] {
		ours := &p.broken[0][i]
		var theirs *edge
		for j := range p.broken[1] {
			if p.broken[1][j].what == ours.what {
				theirs = &p.broken[1][j]
			}
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", ours.what, cells(ours), cells(theirs))
	}
}

const columns = 6

func (o *outcome) cells() string {
	switch {
	case o == nil:
		return strings.Repeat(" | ", columns-1)
	case o.skipped != nil:
		return "not here: " + o.skipped.Error() + strings.Repeat(" | ", columns-1)
	}
	lost := len(o.tally.lost(o.fault.allowed))
	whole := o.whole.Round(time.Millisecond).String()
	if o.whole == 0 {
		whole = "**never**"
	}
	return fmt.Sprintf("%d | %d | %d | %s | %v | %s", o.sent, len(o.failed)-lost, o.retried, bold(lost+o.stale), o.slowest.Round(time.Millisecond), whole)
}

func bold(n int) string {
	if n == 0 {
		return "0"
	}
	return fmt.Sprintf("**%d**", n)
}

// kernel is the release of this machine's.
func kernel() string {
	text, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return strings.TrimSpace(string(text))
}

// processor is the name of this machine's.
func processor() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "an unknown processor"
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, found := strings.Cut(lines.Text(), ":"); found && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "an unknown processor"
}
