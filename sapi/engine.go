package sapi

import (
	"fmt"
	"strings"
)

// EngineFailure is why libphp could not be used.
type EngineFailure byte

// The failures, in the order of enum engine_load_result (lifecycle/engine.h).
const (
	EngineNotOpened   EngineFailure = 1 + iota // the loader could not open it; the detail is its reason
	EngineNotPHP                               // it is not a libphp; the detail is the symbol it lacks
	EngineOtherBuild                           // it has another module API; the detail is its build id
	EngineOtherLayout                          // a structure is too short or too long; the detail is name, size and limit
	EngineLacksSymbol                          // it has the right module API; the detail is the symbol it lacks
)

// EngineError says why libphp could not be used. Its text names the file and the way out.
type EngineError struct {
	Path    string // what was to be loaded
	Failure EngineFailure
	Detail  string // see the failures
	Version string // the PHP that phpsapi was built with, such as 8.2.36
	Build   string // and its build id, such as API20220829,NTS
}

func (e *EngineError) Error() string {
	minor := minorVersion(e.Version)
	wayOut := fmt.Sprintf("install the package libphp%s-embed, or name another libphp in PHPSAPI_ENGINE", minor)
	// The loader repeats the name before its reason.
	reason := strings.TrimPrefix(e.Detail, e.Path+": ")
	switch e.Failure {
	case EngineNotOpened:
		switch {
		case strings.Contains(reason, "Too many open files"):
			wayOut = "raise the limit of open files, ulimit -n"
		case strings.Contains(reason, "failed to map segment"), strings.Contains(reason, "annot allocate memory"):
			wayOut = "raise the limit of address space, ulimit -v, to 1000 MB or take it away"
		}
	case EngineNotPHP:
		reason = "is not a libphp: it has no " + e.Detail
	case EngineOtherBuild:
		reason = fmt.Sprintf("is another PHP (%s) than the one phpsapi was built for: PHP %s (%s)", e.Detail, minor, e.Build)
	case EngineOtherLayout, EngineLacksSymbol:
		reason = fmt.Sprintf("is a PHP %s that phpsapi, built with the headers of %s, cannot use: %s", minor, e.Version, e.misfit())
		wayOut = "build phpsapi with the headers of that PHP, or name another libphp in PHPSAPI_ENGINE"
	}
	return fmt.Sprintf("%s: %s (%s)", e.Path, reason, wayOut)
}

// misfit says what a libphp of the right module API has otherwise than phpsapi needs it.
func (e *EngineError) misfit() string {
	name, sizes, _ := strings.Cut(e.Detail, " ")
	size, limit, _ := strings.Cut(sizes, " ")
	switch {
	case e.Failure == EngineLacksSymbol, size == "0":
		return "it has no " + name
	case Atoi(size) < Atoi(limit):
		return fmt.Sprintf("its %s has %s bytes and must have at least %s", name, size, limit)
	}
	return fmt.Sprintf("its %s has %s bytes and must have at most %s", name, size, limit)
}

// minorVersion cuts a version such as 8.2.36 to 8.2.
func minorVersion(version string) string {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	return major + "." + minor
}
