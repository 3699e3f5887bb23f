package main

import (
	"fmt"
	"net/http"
	"time"
)

// fates are the ends a request can come to, what its client is told, and what the master logs of it; nothing where the
// worker lives on.
var fates = []struct {
	name, script string
	status       int
	logged       string
}{
	{"stack overflow", "overflow.php", http.StatusBadGateway, "exited on signal 11"},
	{"fatal error", "fatal.php", http.StatusInternalServerError, ""},
	{"SIGKILL", "kill.php", http.StatusBadGateway, "exited on signal 9"},
}

// fate is what became of requests that came to such an end.
type fate struct {
	name   string
	status int
	asked  int
	told   int // how many clients were told the right status
	first  error
}

// fateReport is what became of everybody.
type fateReport struct {
	fates []fate
	rest  tally // the requests beside
}

// meetFates has n requests of each kind come to their ends while 16 clients ask, half of them on kept connections.
func meetFates(e entrance, n int) (r fateReport, err error) {
	d, err := e.open(0, "pm.max_children = 16\nphp_admin_value[memory_limit] = 512M")
	if err != nil {
		return r, err
	}
	defer d.stop()
	fresh := load{clients: 8, script: "hello.php"}.begin(d)
	kept := load{clients: 8, script: "hello.php", kept: true}.begin(d)
	for _, f := range fates {
		got := fate{name: f.name, status: f.status}
		for range n {
			v := d.visitor(f.script, false)
			v.status = f.status
			got.asked++
			if failure := v.do(); failure == nil {
				got.told++
			} else if got.first == nil {
				got.first = failure
			}
			if f.logged != "" && err == nil {
				if err = d.waitForLog(got.asked, f.logged, 10*time.Second); err != nil {
					err = fmt.Errorf("%s: %d× %q in the log: %w\n%s", f.name, got.asked, f.logged, err, d.logged())
				}
			}
		}
		r.fates = append(r.fates, got)
	}
	r.rest = fresh()
	r.rest.sum(kept())
	return r, err
}

// ok is an error if a client was not told what it should be, or a request beside failed.
func (r fateReport) ok() error {
	for _, f := range r.fates {
		if f.told != f.asked {
			return fmt.Errorf("%v", f)
		}
	}
	return r.rest.ok()
}

func (f fate) String() string {
	text := fmt.Sprintf("%s: %d of %d answered with %d", f.name, f.told, f.asked, f.status)
	if f.first != nil {
		text += fmt.Sprintf(" (%v)", f.first)
	}
	return text
}

func showFates(programs [2]program, _ sizes) (err error) {
	for i, e := range entrances(programs) {
		r, failure := meetFates(e, 10)
		if failure == nil {
			failure = r.ok()
		}
		for _, f := range r.fates {
			fmt.Printf("- %s, %v\n", e.name, f)
		}
		fmt.Printf("- %s, all others: %v\n", e.name, r.rest)
		if failure != nil && i == 0 {
			err = failure
		}
	}
	return err
}
