package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/phpsapi/phpsapi/packaging/phpsrc"
	"github.com/phpsapi/phpsapi/test/serve"
)

// cliSuite runs stock PHP and phpsapi as command lines.
func cliSuite(o Options) (string, error) {
	cases, err := cliCases(o)
	if err != nil {
		return "", err
	}
	var rows []Row
	for _, c := range cases {
		stock, ours, err := c.measure(o.Runs)
		if err != nil {
			return "", err
		}
		rows = append(rows, c.rows(stock, ours)...)
	}
	return Table(rows), nil
}

// cliCases are the command line's: a start of PHP with nothing to do, without
// and with the distribution's extensions, and php-src's own benchmark.
func cliCases(o Options) ([]Case, error) {
	stock, err := exec.LookPath("php" + o.Stock)
	if err != nil {
		return nil, err
	}
	ours := filepath.Join(o.Links, "php")
	if err := os.Symlink(o.Binary, ours); err != nil {
		return nil, err
	}
	script, err := benchPHP(o.Cache)
	if err != nil {
		return nil, err
	}
	for _, php := range []string{stock, ours} {
		version, err := exec.Command(php, "-v").Output()
		if err != nil {
			return nil, fmt.Errorf("%s -v: %w", php, err)
		}
		line, _, _ := strings.Cut(string(version), "\n")
		fmt.Printf("%s: %s\n", php, line)
	}
	beside := func(c Case, args ...string) Case {
		c.Stock = append([]string{stock}, args...)
		c.Ours = append([]string{ours}, args...)
		return c
	}
	return []Case{
		beside(Case{Name: "php -n -r ''", Limits: []Limit{{Of: CPU, Ratio: 1.05}, {Of: Memory, More: 6}}}, "-n", "-r", ""),
		beside(Case{Name: "php -r ''", Limits: []Limit{{Of: CPU, Ratio: 1.05}, {Of: Memory, More: 6}}}, "-r", ""),
		beside(Case{Name: "php Zend/bench.php", Every: 5, Limits: []Limit{{Of: CPU, Ratio: 1.10}}}, script),
	}, nil
}

// benchPHP returns php-src's Zend/bench.php, which is taken out of php-src's
// archive once.
func benchPHP(cache string) (string, error) {
	cache, err := filepath.Abs(cache)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "bench")
	script := filepath.Join(dir, "Zend", "bench.php")
	if _, err := os.Stat(script); err == nil {
		return script, nil
	}
	source, err := phpsrc.Fetch(cache, serve.Stock().Version)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	return script, source.Unpack(dir, "Zend/bench.php")
}
