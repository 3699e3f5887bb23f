package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/phpsapi/phpsapi/packaging/phpsrc"
	"github.com/phpsapi/phpsapi/test/serve"
)

// included are the parts of php-src, beside the suites, that every arena needs:
// the runner, and tests of others whose files the suites include.
var included = []string{"run-tests.php", "ext/dl_test/tests", "ext/ftp/tests", "ext/openssl/tests"}

// A Kit is what every arena is made from. It is kept between runs.
type Kit struct {
	Source  phpsrc.Source
	Modules string // php-src's extensions for tests, "" without them
	Locales string // compiled locales, "" without them
	Own     Own
}

// prepareKit makes sure that the cache directory holds a kit. What can be done
// without is said, and left out: stock and phpsapi both skip its tests.
func prepareKit(cache, binary string) (Kit, error) {
	cache, err := filepath.Abs(cache)
	if err != nil {
		return Kit{}, err
	}
	var k Kit
	if k.Own, err = ownOf(binary); err != nil {
		return k, err
	}
	if k.Source, err = phpsrc.Fetch(cache, serve.Stock().Version); err != nil {
		return k, err
	}
	fmt.Println("php-src", k.Source.Release, "with stock PHP", serve.Stock().Version)
	if k.Modules, err = stockModules(k.Source, cache); err != nil {
		fmt.Fprintln(os.Stderr, "conformance: without zend_test and dl_test:", err)
		k.Modules = ""
	}
	if k.Own.Dir != "" {
		if k.Own.Modules, err = buildModules(k.Source, cache, "modules-of-engine-"+k.Source.Release, k.Own.includes()); err != nil {
			return k, err
		}
	}
	if k.Locales, err = buildLocales(cache); err != nil {
		fmt.Fprintln(os.Stderr, "conformance: without locales:", err)
		k.Locales = ""
	}
	return k, nil
}
