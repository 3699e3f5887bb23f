package sapi

import (
	"fmt"
	"strings"
)

// EngineFailure is why libphp could not be used.
type EngineFailure byte

// The failures, in the order of enum engine_load_result (lifecycle/engine.h).
const (
	EngineNotOpened  EngineFailure = 1 + iota // the loader could not open it; the detail is its reason
	EngineNotPHP                              // it is no libphp; the detail is the symbol it has not
	EngineOtherBuild                          // it is another PHP; the detail is its build id
)

// EngineError says why libphp could not be used. Its text names the file and the way out.
type EngineError struct {
	Path    string // what was to be loaded
	Failure EngineFailure
	Detail  string // see the failures
	Version string // MAJOR.MINOR of the PHP phpsapi was built for
	Build   string // and its build id, such as API20220829,NTS
}

func (e *EngineError) Error() string {
	// The loader repeats the name before its reason.
	reason := strings.TrimPrefix(e.Detail, e.Path+": ")
	switch e.Failure {
	case EngineNotPHP:
		reason = "is not a libphp: it has no " + e.Detail
	case EngineOtherBuild:
		reason = fmt.Sprintf("is another PHP (%s) than the one phpsapi was built for: PHP %s (%s)", e.Detail, e.Version, e.Build)
	}
	return fmt.Sprintf("%s: %s (install the package libphp%s-embed, or name another libphp in PHPSAPI_ENGINE)",
		e.Path, reason, e.Version)
}
