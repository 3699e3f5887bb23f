package cli

import (
	"testing"

	"github.com/phpsapi/phpsapi/test/starts"
)

// C reads some of the options without Go (lifecycle/start_call.c): they must be those that Go knows.
func TestOptionsOfStartsWithoutGo(t *testing.T) {
	starts.CheckOptions(t, "CLI_FLAGS", false, options)
	starts.CheckOptions(t, "CLI_PARAMETERS", true, options)
}
