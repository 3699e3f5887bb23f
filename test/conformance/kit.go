package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/phpsapi/phpsapi/test/phpsrc"
)

// included are the parts of php-src, beside the suites, that every arena needs:
// the runner, and tests of others whose files the suites include.
var included = []string{"run-tests.php", "ext/dl_test/tests", "ext/ftp/tests", "ext/openssl/tests"}

// A Kit is what every arena is made from. It is kept between runs.
type Kit struct {
	Archive string // php-src
	Modules string // php-src's extensions for tests, "" without them
	Locales string // compiled locales, "" without them
}

// prepareKit makes sure that the cache directory holds a kit. What can be done
// without is said, and left out: stock and phpsapi both skip its tests.
func prepareKit(cache string) (Kit, error) {
	cache, err := filepath.Abs(cache)
	if err != nil {
		return Kit{}, err
	}
	var k Kit
	if k.Archive, err = phpsrc.Fetch(cache); err != nil {
		return k, err
	}
	if k.Modules, err = buildModules(k.Archive, cache); err != nil {
		fmt.Fprintln(os.Stderr, "conformance: without zend_test and dl_test:", err)
		k.Modules = ""
	}
	if k.Locales, err = buildLocales(cache); err != nil {
		fmt.Fprintln(os.Stderr, "conformance: without locales:", err)
		k.Locales = ""
	}
	return k, nil
}
