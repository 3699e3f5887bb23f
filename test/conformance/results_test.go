package main

import (
	"maps"
	"strings"
	"testing"
)

func TestParseResults(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       Results
		wrong      string
	}{
		{"empty", "", Results{}, ""},
		{"statuses", "PASSED\t/s/a.phpt\nSKIPPED\t/s/d/b.phpt\n", Results{"a.phpt": Passed, "d/b.phpt": Skipped}, ""},
		{"the last result counts", "FAILED\t/s/a.phpt\nPASSED\t/s/a.phpt\n", Results{"a.phpt": Passed}, ""},
		{"elsewhere", "PASSED\t/x/a.phpt\n", Results{"/x/a.phpt": Passed}, ""},
		{"cut short", "PASSED\t/s/a.phpt\nFAI", nil, "line 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseResults(strings.NewReader(c.text), "/s/")
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

func TestParseSkips(t *testing.T) {
	text := "PASS a [x/a.phpt] \n" +
		"SKIP b [or not] [x/b.phpt] reason: needs c\n" +
		"SKIP d [x/d.phpt] \n" +
		"FAIL SKIP [x/e.phpt] reason: none\n"
	want := map[string]string{"x/b.phpt": "needs c", "x/d.phpt": ""}
	got, err := parseSkips(strings.NewReader(text))
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}

func TestCount(t *testing.T) {
	got := Results{"a": Passed, "b": Failed, "c": Passed, "z": Passed}.count([]string{"a", "b", "c", "d"})
	want := map[Status]int{Passed: 2, Failed: 1, NotRun: 1}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
