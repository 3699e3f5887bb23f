package cgi

import (
	"testing"

	"github.com/phpsapi/phpsapi/test/starts"
)

// C reads some of the options without Go (lifecycle/start_call.c): they must be those that Go knows.
func TestOptionsOfStartsWithoutGo(t *testing.T) {
	starts.CheckOptions(t, "CGI_FLAGS", false, options)
	starts.CheckOptions(t, "CGI_PARAMETERS", true, options)
}
