// Command load measures phpsapi's fpm beside stock php-fpm: what a reload costs under load, whether idle clients hold
// workers, memory over many requests, and what a crash takes along; and phpsapi's front beside nginx, what idle and slow
// clients, and requests that crash, cost the others. What a request costs is measured by test/bench.
//
//	go run ./test/load                     everything, some four minutes
//	go run ./test/load -only memory,idle   some of it
//
// Every request goes over a unix socket to a pool of this program's own, or by HTTP to a port of its own; both programs
// read Debian's own php.ini. The results of a run are in docs/bench/fpm.md and front.md. With the build tag e2e, `go test` checks what has a right answer.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/phpsapi/phpsapi/test/serve"
)

// stock is the php-fpm to compare with.
var stock = serve.Stock().FPM

// sizes are how much is measured.
type sizes struct{ requests, starts, million, reloads, idle int }

func main() {
	n := sizes{}
	only := flag.String("only", "", "comma-separated: "+strings.Join(names(), ", "))
	flag.IntVar(&n.requests, "requests", 200_000, "requests of memory")
	flag.IntVar(&n.starts, "starts", 10_000, "workers of starts")
	flag.IntVar(&n.million, "million", 1_000_000, "requests of million")
	flag.IntVar(&n.reloads, "reloads", 10, "reloads of reload, one a second")
	flag.IntVar(&n.idle, "idle", 10_000, "idle connections of hold; a tenth of them sends slowly, too")
	ours := flag.String("phpsapi", "", "a phpsapi that is built already")
	flag.Parse()
	if err := run(*ours, *only, n); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(binary, only string, n sizes) error {
	dir, err := os.MkdirTemp("", "phpsapi-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ours, err := phpsapi(dir, binary)
	if err != nil {
		return err
	}
	chosen := strings.Split(only, ",")
	failed := 0
	for _, m := range measurements {
		if only != "" && !slices.Contains(chosen, m.name) {
			continue
		}
		fmt.Printf("## %s\n\n", m.title)
		if err := m.measure([2]program{ours, {"php-fpm", stock}}, n); err != nil {
			fmt.Printf("**failed:** %v\n", err)
			failed++
		}
		fmt.Println()
	}
	if failed > 0 {
		return fmt.Errorf("%d measurements failed", failed)
	}
	return nil
}

// phpsapi returns ours, called as php-fpm; it is built where binary is empty.
func phpsapi(dir, binary string) (program, error) {
	ours := program{"phpsapi", filepath.Join(dir, "php-fpm")}
	if binary == "" {
		return ours, serve.Build(dir)
	}
	binary, err := filepath.Abs(binary)
	if err != nil {
		return program{}, err
	}
	return ours, os.Symlink(binary, ours.path)
}

func names() (all []string) {
	for _, m := range measurements {
		all = append(all, m.name)
	}
	return all
}
