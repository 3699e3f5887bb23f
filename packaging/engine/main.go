// Command engine builds an engine that has PHP in it: PHP from its sources, compiled for phpsapi and with the extensions beside it. The
// compiler optimizes it by a profile of what PHP does in typical scripts (profile-guided optimization).
//
//	go run ./packaging/engine                     # the PHP that the machine has, from the distribution's source package
//	go run ./packaging/engine -php 8.2 -source php-8.2.32.tar.xz
//	go run ./packaging/engine -packages           # print the Debian packages that it needs
//
// What it leaves is build/engines/php8.2:
//
//	engine.so       PHP and what phpsapi calls it by; phpsapi --engine takes its path
//	extensions/     the extensions, which php.ini chooses as ever
//	engine.json     what it was made from
//	arguments-...   with which the linker makes PHP a part of the program (make single)
//
// The steps are main.go's list, one file each. Each says what it does; what the programs that it runs print is in a log. What is there
// already and was made from the same is not made again.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/sapi/engines"
)

// options are the command line's.
type options struct {
	php        string // MAJOR.MINOR
	source     string // an archive or a directory; empty: the distribution's source package
	extensions []extension
	profile    bool
	jobs       int
	from       string // the first step that is taken; empty: the first
	phpsapi    string // the program that runs what trains the engine
}

func main() {
	o := options{}
	flag.StringVar(&o.php, "php", machinePHP(engines.This("")), "the `version` of PHP; else that of the machine's php")
	flag.StringVar(&o.source, "source", "", "the `directory` or tarball of PHP's sources; else the distribution's source package")
	list := flag.String("extensions", "", "the `extensions`, as curl,intl,zip; else all: "+strings.Join(extensionNames(extensions), ", "))
	flag.BoolVar(&o.profile, "profile", true, "compile twice, the second time by a profile of what PHP does")
	flag.IntVar(&o.jobs, "j", runtime.NumCPU(), "how many compilers run at once")
	flag.StringVar(&o.phpsapi, "phpsapi", "./phpsapi", "the `program` that runs the scripts which the engine is trained by")
	flag.StringVar(&o.from, "from", "", "begin with this `step`, where an earlier run has got to: sources, configure, train ...")
	packages := flag.Bool("packages", false, "print the Debian packages that this needs, and end")
	version := flag.Bool("version", false, "print the version of PHP that is built, and end")
	flag.Parse()
	if *version {
		fmt.Println(o.php)
		return
	}
	var err error
	if o.extensions, err = chooseExtensions(*list); err == nil {
		if *packages {
			fmt.Println(strings.Join(packagesFor(o.extensions), " "))
			return
		}
		err = build(o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "packaging/engine:", err)
		os.Exit(1)
	}
}

// machinePHP returns the version of the PHP that the machine has, by the rules of phpsapi itself, or 8.2 if it has none.
func machinePHP(m engines.Machine) string {
	choice, err := m.Choose(engines.Asked{}, []string{"8.2", "8.3", "8.4", "8.5"})
	if err != nil || choice.Version == "" || !filepath.IsAbs(choice.Library) {
		return "8.2"
	}
	return choice.Version
}

// A work is one engine as it is made.
type work struct {
	options
	root    string // phpsapi's sources
	dir     string // what is made on the way
	result  string // what is left
	release string // such as 8.2.32
	origin  string // where the sources came from
	started time.Time
}

// steps are how an engine is made.
func (w *work) steps() []step {
	if !w.profile {
		return []step{
			{"sources", w.unpack}, {"configure", w.configure}, {"compile", w.compilePlain}, {"link", w.link}, {"parts", w.inside},
		}
	}
	return []step{
		{"sources", w.unpack}, {"configure", w.configure}, {"compile, to be trained", w.compileToTrain}, {"train", w.train},
		{"compile, by the profile", w.compileTrained}, {"optimize as one", w.join}, {"link", w.link}, {"parts", w.inside},
	}
}

func build(o options) error {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	w := &work{
		options: o, root: root, started: time.Now(),
		dir: filepath.Join(root, "build", "php", o.php), result: filepath.Join(root, "build", "engines", "php"+o.php),
	}
	if w.phpsapi, err = filepath.Abs(o.phpsapi); err != nil {
		return err
	}
	if err := w.findSource(); err != nil {
		return err
	}
	state, err := w.state()
	if err != nil {
		return err
	}
	if w.isMade(state) && o.from == "" {
		fmt.Printf("%s is there and made from the same: PHP %s (%s)\n", w.result, w.release, w.origin)
		return nil
	}
	fmt.Printf("PHP %s (%s), extensions: %s\n", w.release, w.origin, strings.Join(extensionNames(w.extensions), " "))
	w.warn()
	steps := w.steps()
	if o.from != "" {
		i := slices.IndexFunc(steps, func(s step) bool { return s.name == o.from })
		if i < 0 {
			return fmt.Errorf("there is no step %q", o.from)
		}
		steps = steps[i:]
	}
	if state, err = w.begin(state); err != nil {
		return err
	}
	if err := w.run(steps); err != nil {
		return err
	}
	return w.finish(state)
}
