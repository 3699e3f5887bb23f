package master

import (
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/control"
)

func TestOperatorComparesAndLogs(t *testing.T) {
	t.Parallel()
	s := start(t, static)
	s.expect("ready to handle")
	a, err := s.outcome(control.Request{Command: control.ConfigDiff})
	if err != nil || a.Diff == nil || len(a.Diff.Changes)+len(a.Diff.Added)+len(a.Diff.Removed) != 0 {
		t.Errorf("nothing has changed: %+v, %v", a, err)
	}
	s.configure(strings.Replace(static, "max_children = 2", "max_children = 3", 1))
	if a, err = s.outcome(control.Request{Command: control.ConfigDiff}); err != nil || a.Diff == nil || len(a.Diff.Changes) != 1 || *a.Diff.Changes[0].Files != "3" {
		t.Errorf("pm.max_children has changed: %+v, %v", a, err)
	}
	s.configure(static + "pm.nonsense = 1\n")
	if a, err = s.outcome(control.Request{Command: control.ConfigDiff}); err != nil || a.Reason != control.BadConfig || !strings.Contains(a.Why, "unknown entry 'pm.nonsense'") {
		t.Errorf("a mistake: %+v, %v", a, err)
	}
	if a, err = s.outcome(control.Request{Command: control.LogLevel, Level: "loud"}); err != nil || a.Reason != control.Refused {
		t.Errorf("no level: %+v, %v", a, err)
	}
	if a, err = s.outcome(control.Request{Command: control.LogLevel, Level: "debug"}); err != nil || a.Logging == nil || a.Logging.Level != "debug" || a.Logging.Configured != "notice" {
		t.Errorf("got %+v, %v", a, err)
	}
	s.expect("log-level loud asked for by .*: refused: ")
	s.expect("log-level debug asked for by .*: done: from debug on$")
	s.never("pm.nonsense")
}
