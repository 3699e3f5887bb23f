package main

import "sort"

// A Verdict is what a test's results under stock PHP and under phpsapi mean.
type Verdict int

// The verdicts. Only Failure and UnexpectedPass fail a run.
const (
	// Conforms: stock passes the test and so does phpsapi.
	Conforms Verdict = iota
	// Failure: stock passes the test, phpsapi does not, and nobody said so.
	Failure
	// Differs: stock passes, phpsapi does not, and the list says why.
	Differs
	// UnexpectedPass: the list says that the test does not pass, and it does.
	UnexpectedPass
	// StockSkips: stock does not run the test, so nothing is known.
	StockSkips
	// StockFails: stock runs the test and does not pass it.
	StockFails
	// Unsteady: phpsapi does not pass the test, nor does stock when it runs
	// the test again alone.
	Unsteady
)

// judge compares a test's results, the last ones where it ran more than once.
// listed says that the list of expected differences has it.
func judge(stock, phpsapi Status, listed bool) Verdict {
	switch {
	case listed && phpsapi.passes():
		return UnexpectedPass
	case stock == Skipped || stock == NotRun:
		return StockSkips
	case stock != Passed:
		return StockFails
	case phpsapi.passes():
		return Conforms
	case listed:
		return Differs
	}
	return Failure
}

// Comparison holds a suite's verdicts.
type Comparison struct {
	// Verdicts has one for each test that was asked for.
	Verdicts map[string]Verdict
	// Again has the tests that conform only after a re-run.
	Again []string
	// Beyond counts the tests that stock fails and phpsapi passes.
	Beyond int

	// steady has the tests that stock passed again in a re-run.
	steady map[string]bool
}

// compare judges every test.
func compare(suite string, tests []string, stock, phpsapi Results, expected Expected) Comparison {
	c := Comparison{Verdicts: map[string]Verdict{}, steady: map[string]bool{}}
	for _, test := range tests {
		_, listed := expected.reason(suite, test)
		v := judge(stock[test], phpsapi[test], listed)
		if v == StockFails && !stock[test].passes() && phpsapi[test].passes() {
			c.Beyond++
		}
		c.Verdicts[test] = v
	}
	return c
}

// with returns the tests that have a verdict, sorted.
func (c Comparison) with(v Verdict) []string {
	var tests []string
	for test, verdict := range c.Verdicts {
		if verdict == v {
			tests = append(tests, test)
		}
	}
	sort.Strings(tests)
	return tests
}

// settle takes the results of one more run of the failures, alone and one
// after the other, with each side, and changes the verdicts they disprove: a
// pass of phpsapi makes a test conform, and a test is unsteady unless stock
// passes it in one of its re-runs.
func (c *Comparison) settle(stock, phpsapi Results) {
	for test, verdict := range c.Verdicts {
		status, ran := phpsapi[test]
		if !ran || verdict != Failure && verdict != Unsteady {
			continue
		}
		switch {
		case status.passes():
			c.Verdicts[test] = Conforms
			c.Again = append(c.Again, test)
		case stock[test] == Passed:
			c.steady[test] = true
			c.Verdicts[test] = Failure
		case !c.steady[test]:
			c.Verdicts[test] = Unsteady
		}
	}
	sort.Strings(c.Again)
}
