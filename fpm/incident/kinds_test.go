package incident

import (
	"os"
	"regexp"
	"testing"
)

// Metrics tell each kind.
func TestKindsAreAll(t *testing.T) {
	text, err := os.ReadFile("incident.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`(?m)^\t\w+\s+Kind = "`).FindAll(text, -1)
	if len(declared) == 0 || len(declared) != len(Kinds()) {
		t.Errorf("%d kinds are declared, and Kinds has %d", len(declared), len(Kinds()))
	}
}
