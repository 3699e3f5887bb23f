package main

import (
	"maps"
	"strings"
	"testing"
)

func TestParseExpected(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       Expected
		wrong      string
	}{
		{"comments", "# why\n\n  # too\n", Expected{}, ""},
		{"reasons", "a.phpt  because\ncli:b.phpt\tof that\n", Expected{"a.phpt": "because", "cli:b.phpt": "of that"}, ""},
		{"no reason", "# x\na.phpt \n", nil, "expected.txt:2: a.phpt has no reason"},
		{"twice", "a.phpt x\na.phpt y\n", nil, "expected.txt:2: a.phpt is listed twice"},
		{"no test", "a because\n", nil, `expected.txt:1: "a" is not the path`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseExpected(strings.NewReader(c.text), "expected.txt")
			if c.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), c.wrong) {
					t.Fatalf("error %v, want one with %q", err, c.wrong)
				}
				return
			}
			if err != nil || !maps.Equal(got, c.want) {
				t.Errorf("got %v, %v; want %v", got, err, c.want)
			}
		})
	}
}

func TestExpectedReason(t *testing.T) {
	list := Expected{"a.phpt": "everywhere", "cli:b.phpt": "there"}
	for _, c := range []struct {
		suite, test, reason string
		ok                  bool
	}{
		{"cgi", "a.phpt", "everywhere", true},
		{"cli", "b.phpt", "there", true},
		{"cgi", "b.phpt", "", false},
	} {
		if reason, ok := list.reason(c.suite, c.test); reason != c.reason || ok != c.ok {
			t.Errorf("%s %s: got %q, %v", c.suite, c.test, reason, ok)
		}
	}
}

// The list in the repository must be one that can be read.
func TestExpectedList(t *testing.T) {
	if _, err := parseExpected(strings.NewReader(expectedList), "expected.txt"); err != nil {
		t.Error(err)
	}
}
