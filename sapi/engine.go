package sapi

import (
	"cmp"
	"fmt"
	"path"
	"strings"
)

// EngineFailure is why libphp could not be used.
type EngineFailure byte

// The failures, in the order of enum engine_load_result (lifecycle/engine_load.h).
const (
	EngineNotOpened     EngineFailure = 1 + iota // the loader could not open it; the detail is its reason
	EngineNotPHP                                 // it is not a libphp; the detail is the symbol it lacks
	EngineOtherBuild                             // no engine inside is for it; the detail is its build id and, after a space, what is inside
	EngineOtherLayout                            // a structure is too short or too long; the detail is name, size and limit
	EngineLacksSymbol                            // it has the right module API; the detail is the symbol it lacks
	EngineOtherContract                          // the engine's contract is not the program's; the detail is both numbers, and "inside" or "own"
	EngineNotAFile                               // it is not a regular file; the detail is what it is
	EngineCutOff                                 // the file is shorter than its headers say; the detail is both lengths
	EngineLostEnd                                // the file ends in zeros; there is no detail
	EngineHasPHP                                 // the program has PHP inside and loads no other; the detail is that PHP's version
)

// EngineError says why libphp could not be used. Its text names the file and the way out.
type EngineError struct {
	Path    string // what was to be loaded
	Failure EngineFailure
	Detail  string // see the failures
	Version string // the PHP whose headers the engine was built with, such as 8.2.36; empty if there is no engine
	Build   string // and its build id, such as API20220829,NTS
	Where   string // where another can be named, such as "with --engine"; empty: in PHPSAPI_ENGINE
}

func (e *EngineError) Error() string {
	minor := ParsePHPVersion(e.Version).Minor()
	wayOut := "name a libphp " + e.where()
	// The loader repeats the name before its reason.
	reason := strings.TrimPrefix(e.Detail, e.Path+": ")
	switch e.Failure {
	case EngineNotOpened:
		wayOut = e.wayToOpen(reason)
	case EngineNotPHP:
		reason = "is not a libphp or an engine: it has no " + e.Detail
	case EngineOtherBuild:
		build, inside, _ := strings.Cut(e.Detail, " ")
		if strings.Contains(build, ",TS") {
			reason = fmt.Sprintf("is a thread-safe PHP (%s), and phpsapi runs only others (NTS)", build)
			wayOut = fmt.Sprintf("name a libphp %s that was built without --enable-zts", e.where())
			break
		}
		reason = fmt.Sprintf("is a PHP (%s) for which no engine is inside phpsapi: %s is inside", build, cmp.Or(inside, "none"))
		wayOut = "build phpsapi with that PHP's headers installed, make build, or name another libphp " + e.where()
	case EngineOtherLayout, EngineLacksSymbol:
		reason = fmt.Sprintf("is a PHP %s that phpsapi's engine, built with the headers of %s, cannot use: %s", minor, e.Version, e.misfit())
		wayOut = "build phpsapi with the headers of that PHP, make build, or name another libphp " + e.where()
	case EngineOtherContract:
		engine, program, _ := strings.Cut(e.Detail, " ")
		program, whose, _ := strings.Cut(program, " ")
		reason = fmt.Sprintf("its engine for PHP %s has version %s of the contract between engine and program, and this phpsapi has version %s", minor, engine, program)
		wayOut = "compile it again from the sources of this phpsapi, as docs/ENGINES.md says, or name a libphp " + e.where()
		if whose == "inside" {
			wayOut = "build phpsapi again, make build"
		}
	case EngineNotAFile:
		reason = fmt.Sprintf("is %s, and an engine is a file", e.Detail)
	case EngineCutOff:
		has, needs, _ := strings.Cut(e.Detail, " ")
		reason = fmt.Sprintf("is cut off: it has %s bytes, and by its headers at least %s", has, needs)
		wayOut = "copy or install it again, or name another libphp " + e.where()
	case EngineLostEnd:
		reason = "ends in zeros, as a copy that was interrupted"
		wayOut = "copy or install it again, or name another libphp " + e.where()
	case EngineHasPHP:
		reason = fmt.Sprintf("cannot be loaded: this phpsapi has PHP %s inside, and loads no other", e.Detail)
		wayOut = "take a phpsapi without PHP inside, make build, or name " + ParsePHPVersion(e.Detail).Minor() + " " + e.where()
	}
	return fmt.Sprintf("%s: %s (%s)", e.Path, reason, wayOut)
}

// wayToOpen is the way out if the loader could not open the file.
func (e *EngineError) wayToOpen(reason string) string {
	switch {
	case strings.Contains(reason, "Too many open files"):
		return "raise the limit of open files, ulimit -n"
	case strings.Contains(reason, "failed to map segment"), strings.Contains(reason, "annot allocate memory"):
		return "raise the limit of address space, ulimit -v, to 1000 MB or take it away"
	}
	// Debian's names have a version: libphp8.4.so. A file of another name, such as libphp-old.so, is in no package.
	version, _ := strings.CutPrefix(strings.TrimSuffix(path.Base(e.Path), ".so"), "libphp")
	if version != ParsePHPVersion(version).Minor() {
		version = ParsePHPVersion(e.Version).Minor()
	}
	return fmt.Sprintf("install the package libphp%s-embed, or name another libphp %s", version, e.where())
}

func (e *EngineError) where() string { return cmp.Or(e.Where, "in PHPSAPI_ENGINE") }

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
