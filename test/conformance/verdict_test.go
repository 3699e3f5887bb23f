package main

import (
	"slices"
	"testing"
)

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		stock, phpsapi Status
		listed         bool
		want           Verdict
	}{
		{Passed, Passed, false, Conforms},
		{Passed, Failed, false, Failure},
		{Passed, Skipped, false, Failure},
		{Passed, Borked, false, Failure},
		{Passed, NotRun, false, Failure},
		{Passed, Warned, false, Conforms},
		{Passed, Failed, true, Differs},
		{Passed, Passed, true, UnexpectedPass},
		{Failed, Failed, false, StockFails},
		{Failed, Passed, false, StockFails},
		{Failed, Passed, true, UnexpectedPass},
		{Failed, Failed, true, StockFails},
		{Warned, XFailed, false, StockFails},
		{XFailed, Failed, false, StockFails},
		{Skipped, Failed, false, StockSkips},
		{NotRun, Passed, false, StockSkips},
		{Skipped, Skipped, true, StockSkips},
	} {
		if got := judge(c.stock, c.phpsapi, c.listed); got != c.want {
			t.Errorf("stock %v, phpsapi %v, listed %v: got %d, want %d", c.stock, c.phpsapi, c.listed, got, c.want)
		}
	}
}

func TestSettle(t *testing.T) {
	type again struct{ stock, phpsapi Status }
	for _, c := range []struct {
		name   string
		reruns []again
		want   Verdict
		again  bool
	}{
		{"fails again and again", []again{{Passed, Failed}, {Passed, Failed}}, Failure, false},
		{"passes alone", []again{{Passed, Passed}}, Conforms, true},
		{"passes alone the second time", []again{{Passed, Failed}, {Passed, Passed}}, Conforms, true},
		{"stock fails it too", []again{{Failed, Failed}, {Failed, Failed}}, Unsteady, false},
		{"stock fails it first", []again{{Failed, Failed}, {Passed, Failed}}, Failure, false},
		{"stock fails it last", []again{{Passed, Failed}, {Failed, Failed}}, Failure, false},
		{"phpsapi dies", []again{{Passed, NotRun}}, Failure, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			comparison := compare("cli", []string{"a", "b"}, Results{"a": Passed, "b": Passed},
				Results{"a": Failed, "b": Passed}, nil)
			for _, r := range c.reruns {
				comparison.settle(Results{"a": r.stock}, Results{"a": r.phpsapi})
			}
			if got := comparison.Verdicts["a"]; got != c.want {
				t.Errorf("verdict %d, want %d", got, c.want)
			}
			if got := slices.Contains(comparison.Again, "a"); got != c.again {
				t.Errorf("again %v, want %v", got, c.again)
			}
			if comparison.Verdicts["b"] != Conforms {
				t.Error("a test that was not run again changed")
			}
		})
	}
}

func TestBeyond(t *testing.T) {
	c := compare("cli", []string{"a", "b"}, Results{"a": Failed, "b": Failed}, Results{"a": Passed, "b": Failed}, nil)
	if c.Beyond != 1 {
		t.Errorf("beyond %d, want 1", c.Beyond)
	}
}
