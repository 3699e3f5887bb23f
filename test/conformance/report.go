package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// A Turn is one run of a suite with phpsapi, judged.
type Turn struct {
	Run        Run
	Comparison Comparison
}

// A Report is all that is to be said of a suite.
type Report struct {
	Suite   Suite
	Omitted string // why the suite did not run
	Tests   []string
	Stock   Run
	Turns   []Turn
	// Kept says where what is left of a failed test can be read.
	Kept map[string]string
}

// notable are the verdicts whose tests are printed, and the word for each.
var notable = []struct {
	verdict Verdict
	word    string
}{
	{Failure, "FAIL"},
	{UnexpectedPass, "UNEXPECTED PASS"},
	{Differs, "differs"},
	{Unsteady, "unsteady with stock too"},
}

// print tells what stands out in a turn, counted from 1.
func (r *Report) print(w io.Writer, turn int, expected Expected) {
	t := r.Turns[turn-1]
	for _, n := range notable {
		for _, test := range t.Comparison.with(n.verdict) {
			fmt.Fprintf(w, "%s: %s: %s (%v)", r.Suite.Name, n.word, test, t.Run.Results[test])
			if why := t.Run.Skips[test]; why != "" {
				fmt.Fprintf(w, ": %s", why)
			}
			if reason, ok := expected.reason(r.Suite.Name, test); ok {
				fmt.Fprintf(w, ": %s", reason)
			}
			fmt.Fprintln(w)
			if kept := r.Kept[test]; kept != "" {
				fmt.Fprintf(w, "\t%s\n", kept)
			}
		}
	}
	for _, test := range t.Comparison.Again {
		fmt.Fprintf(w, "%s: passed when run again alone: %s\n", r.Suite.Name, test)
	}
}

// tally adds up a suite's turns.
func (r Report) tally() (passed, failed, skipped int) {
	for _, t := range r.Turns {
		for _, verdict := range t.Comparison.Verdicts {
			switch verdict {
			case Conforms:
				passed++
			case Failure, UnexpectedPass:
				failed++
			default:
				skipped++
			}
		}
	}
	return passed, failed, skipped
}

// closing writes the table and the last line, and reports whether no test
// failed.
func closing(w io.Writer, reports []Report) bool {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w)
	fmt.Fprintln(table, "suite\ttests\tstock passes\tfails\tskips\txfail\tphpsapi passes\tfails\tdiffers\tunexpected\tunsteady\tagain\tbeyond\tleft\t")
	var passed, failed, skipped int
	for _, r := range reports {
		if r.Omitted != "" {
			fmt.Fprintf(table, "%s\t(%s)\t\n", r.Suite.Name, r.Omitted)
			continue
		}
		stock := r.Stock.Results.count(r.Tests)
		for _, t := range r.Turns {
			c := t.Comparison
			fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", r.Suite.Name, len(r.Tests),
				stock[Passed], stock[Failed]+stock[Borked]+stock[Leaked], stock[Skipped], stock[XFailed]+stock[Warned],
				len(c.with(Conforms)), len(c.with(Failure)), len(c.with(Differs)), len(c.with(UnexpectedPass)),
				len(c.with(Unsteady)), len(c.Again), c.Beyond, t.Run.Left)
		}
		p, f, s := r.tally()
		passed, failed, skipped = passed+p, failed+f, skipped+s
	}
	table.Flush()
	fmt.Fprintln(w)
	fmt.Fprintf(w, "%d passed, %d failed, %d skipped\n", passed, failed, skipped)
	return failed == 0
}
