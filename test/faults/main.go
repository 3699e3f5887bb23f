// Command faults injects faults into phpsapi's fpm and into stock php-fpm while clients ask: processes that are killed and stopped,
// scripts that harm their worker, a lack of memory, disk space and descriptors, files that are gone, reloads, clients that do not
// behave. Each fault says what it may cost. All other requests must be answered, with their own answer, and afterwards the
// service has the processes, descriptors, shared memory and sockets that it had before.
//
//	go run ./test/faults                        each fault once, in phpsapi and in php-fpm
//	go run ./test/faults -only SIGKILL,reload   those whose names contain one of these
//	go run ./test/faults -for 10m               faults at random, then; -seed repeats a run
//	go run ./test/faults -reloads 1000          reloads under load, broken ones, and upgrades
//	go run ./test/faults -only none -soak 2h    a long load: nothing may grow
//	go run ./test/faults -o docs/FAULTS.md      all of it, into the page
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
)

type options struct {
	output   string
	only     string
	binary   string
	lasting  time.Duration
	seed     uint64
	reloads  int
	upgrades int
	soak     time.Duration
	noStock  bool
	list     bool
}

func main() {
	var o options
	flag.StringVar(&o.output, "o", "", "the page to write")
	flag.StringVar(&o.only, "only", "", "comma-separated parts of names: which faults are injected; a name that is none: no fault")
	flag.StringVar(&o.binary, "phpsapi", "", "a phpsapi that is built already")
	flag.DurationVar(&o.lasting, "for", 0, "how long faults are injected at random")
	flag.Uint64Var(&o.seed, "seed", 0, "of what comes at random; 0: another each time")
	flag.IntVar(&o.reloads, "reloads", 0, "how many reloads there are under load")
	flag.IntVar(&o.upgrades, "upgrades", 0, "how many reloads there are for which the program was replaced")
	flag.DurationVar(&o.soak, "soak", 0, "for how long phpsapi alone is kept under load, and reloaded each minute")
	flag.BoolVar(&o.noStock, "alone", false, "without php-fpm")
	flag.BoolVar(&o.list, "list", false, "only show the names of the faults")
	flag.Parse()
	if o.list {
		for _, f := range faults() {
			fmt.Println(f.name)
		}
		return
	}
	if o.seed == 0 {
		o.seed = uint64(time.Now().UnixNano()) % 1_000_000
	}
	if err := o.run(); err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

func (o options) run() error {
	dir, err := os.MkdirTemp("", "phpsapi-faults-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ours := program{name: "phpsapi", path: filepath.Join(dir, "php-fpm")}
	if o.binary == "" {
		err = serve.Build(dir)
	} else if o.binary, err = filepath.Abs(o.binary); err == nil {
		err = os.Symlink(o.binary, ours.path)
	}
	if err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	programs := [2]program{ours, {name: "php-fpm", path: serve.Stock().FPM, stock: true}}
	fmt.Printf("seed %d, %s, %s\n", o.seed, processor(), time.Now().Format("2 January 2006"))
	p, bad := page{o: o}, 0
	for _, part := range []func(){
		func() { p.rows = o.each(programs, &bad) },
		func() { p.random = o.atRandom(programs, &bad) },
		func() { p.many, p.broken = o.edges(programs, &bad) },
		func() { p.soak = o.longLoad(ours, &bad) },
	} {
		part()
		if o.output != "" {
			if err := os.WriteFile(o.output, []byte(p.text()), 0o644); err != nil {
				return err
			}
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d faults cost more than they may", bad)
	}
	return nil
}

// atRandom injects faults at random into both programs.
func (o options) atRandom(programs [2]program, bad *int) (sums [2]*outcome) {
	for i, p := range programs {
		if p.stock && o.noStock || o.lasting == 0 {
			continue
		}
		n := &runner{program: p, random: o.source(), answers: map[string]string{}}
		sum, storms := n.atRandom(o.lasting, func(out outcome) {
			fmt.Printf("  %s, at random: %s\n", p.name, out.summary())
			if out.err != nil && !p.stock {
				*bad++
			}
		})
		n.stop()
		sum.fault.name = fmt.Sprintf("%d faults at random, seed %d, %v", 10*storms, o.seed, o.lasting)
		fmt.Printf("%s: %s: %s\n", p.name, sum.fault.name, strings.ReplaceAll(sum.cells(), "|", ","))
		sums[i] = &sum
	}
	return sums
}

// each injects the faults that were chosen, first into php-fpm, whose answers ours must be.
func (o options) each(programs [2]program, failed *int) (rows []row) {
	answers := map[string]string{}
	ours := &runner{program: programs[0], random: o.source(), answers: answers}
	theirs := &runner{program: programs[1], random: o.source(), answers: answers}
	defer ours.stop()
	defer theirs.stop()
	for _, f := range faults() {
		if !o.wants(f.name) {
			continue
		}
		var r row
		if f.stock && !o.noStock {
			out := theirs.inject(f)
			r.theirs = &out
			fmt.Printf("  php-fpm: %s: %s\n", f.name, out.summary())
		}
		out := ours.inject(f)
		r.ours = &out
		fmt.Printf("%s: %s\n", f.name, out.summary())
		if out.err != nil {
			*failed++
		}
		rows = append(rows, r)
	}
	return rows
}

// source is where what is random comes from.
func (o options) source() *rand.Rand { return rand.New(rand.NewPCG(o.seed, 1)) }

func (o options) wants(name string) bool {
	if o.only == "" {
		return true
	}
	for part := range strings.SplitSeq(o.only, ",") {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// summary is an outcome in a line; more of them if it is bad.
func (o outcome) summary() string {
	text := strings.ReplaceAll(o.cells(), "|", ",")
	if o.err != nil {
		text += "\n    FAILED: " + strings.ReplaceAll(o.err.Error(), "\n", "\n    ")
	}
	return text
}
