// Package stock knows what stock PHP does wrong in some of its releases. A test that compares phpsapi with the machine's
// stock PHP holds on every patch release by it: it compares what phpsapi does with the right value, which it has
// written down, and with stock PHP only where that is right, too.
package stock

import (
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A Fault is something that stock PHP does wrong until a release.
type Fault struct {
	Fixed  []string // the first releases that are right, one of each MAJOR.MINOR that is known to have one
	Reason string   // what is wrong, and the name under which it was mended
}

// The faults that tests have met.
var (
	PathInfo = Fault{[]string{"8.2.36", "8.4.28"}, "php-cgi reads before PATH_INFO if that is not how the script's path ends (CVE-2026-129538)"}
	Status   = Fault{[]string{"8.2.36", "8.4.28"}, "php-fpm's status page does not escape user and script (CVE-2026-129292)"}
)

// In reports whether a program of stock PHP has the fault. The test's log says so.
func (f Fault) In(t testing.TB, program string) bool {
	t.Helper()
	version := Version(t, program)
	if f.rightIn(version) {
		return false
	}
	t.Logf("not compared with %s %s, which is wrong: %s", program, version, f.Reason)
	return true
}

// rightIn reports whether a release is known to be right.
func (f Fault) rightIn(release string) bool {
	for _, fixed := range f.Fixed {
		if minor(fixed) == minor(release) {
			return !Older(release, fixed)
		}
	}
	return false
}

// minor cuts 8.2.36 to 8.2.
func minor(release string) string { return release[:strings.LastIndexByte(release, '.')] }

var versionLine = regexp.MustCompile(`^PHP (\d+\.\d+\.\d+)`)

// Version returns the PHP version of a program, such as 8.2.36.
func Version(t testing.TB, program string) string {
	t.Helper()
	said, err := exec.Command(program, "-n", "-v").Output()
	match := versionLine.FindSubmatch(said)
	if err != nil || match == nil {
		t.Fatalf("%s -v does not tell its version: %v\n%s", program, err, said)
	}
	return string(match[1])
}

// Older reports whether a version is before another. Both have the same count of numbers.
func Older(version, than string) bool {
	a, b := strings.Split(version, "."), strings.Split(than, ".")
	for i := range a {
		x, _ := strconv.Atoi(a[i])
		y, _ := strconv.Atoi(b[i])
		if x != y {
			return x < y
		}
	}
	return false
}
