package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// manyFailures is how many failing tests are too many to be noise: beyond it
// none is run again.
const manyFailures = 200

// An arenaSet makes arenas when a suite first needs them.
type arenaSet struct {
	kit          Kit
	options      Options
	unprivileged *Arena
	root         *Arena
}

// of returns the arena for a suite.
func (s *arenaSet) of(suite Suite) (*Arena, error) {
	arena := &s.unprivileged
	if suite.Root {
		arena = &s.root
	}
	var err error
	if *arena == nil {
		*arena, err = newArena(s.kit, s.options.Binary, suite.Root, s.options.User)
	}
	return *arena, err
}

// remove deletes the arenas.
func (s *arenaSet) remove() {
	for _, arena := range []*Arena{s.unprivileged, s.root} {
		if arena != nil {
			arena.remove()
		}
	}
}

// compare runs one suite with both sides and fills in its report.
func (s *arenaSet) compare(ctx context.Context, report *Report, expected Expected) error {
	arena, err := s.of(report.Suite)
	if err != nil {
		return err
	}
	o := s.options
	if report.Tests, err = arena.tests(report.Suite, o.isChosen); err != nil || len(report.Tests) == 0 {
		return err
	}
	runner := Runner{Arena: arena, Suite: report.Suite, Timeout: o.Timeout, Limit: o.Limit, Keep: o.Keep}
	if err := os.RemoveAll(filepath.Join(o.Keep, report.Suite.Name)); err != nil {
		return err
	}
	if err := runner.check(ctx, PHPSAPI); err != nil {
		return err
	}
	if report.Stock, err = s.baseline(ctx, runner, report.Tests); err != nil {
		return fmt.Errorf("stock: %w", err)
	}
	for turn := 1; turn <= o.Repeat; turn++ {
		label := ""
		if o.Repeat > 1 {
			label = fmt.Sprintf("-%d", turn)
		}
		run, err := runner.announced(ctx, PHPSAPI, label, o.Workers, report.Tests)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			fmt.Printf("%s: phpsapi: %v\n", report.Suite.Name, err)
		}
		comparison := compare(report.Suite.Name, report.Tests, report.Stock.Results, run.Results, expected)
		if err := settleAlone(ctx, runner, &comparison, label, o.Reruns); err != nil {
			return err
		}
		report.Kept = map[string]string{}
		for _, test := range comparison.with(Failure) {
			report.Kept[test] = runner.keep(PHPSAPI, label, test)
		}
		report.Turns = append(report.Turns, Turn{Run: run, Comparison: comparison})
		report.print(os.Stdout, turn, expected)
	}
	return nil
}

// baseline runs the suite with stock PHP, and what fails once more alone: a
// test that was disturbed belongs to the baseline.
func (s *arenaSet) baseline(ctx context.Context, runner Runner, tests []string) (Run, error) {
	run, err := runner.announced(ctx, Stock, "", s.options.Workers, tests)
	if err != nil {
		return run, err
	}
	var failed []string
	for _, test := range tests {
		switch run.Results[test] {
		case Failed, Borked, Leaked, Warned: // Warned is also a pass at the second try
			failed = append(failed, test)
		}
	}
	if len(failed) == 0 || len(failed) > manyFailures {
		return run, nil
	}
	again, err := runner.run(ctx, Stock, "-again", 1, failed)
	run.Results = run.Results.with(again.Results)
	for _, test := range failed {
		if !run.Results[test].passes() {
			runner.keep(Stock, "-again", test)
		}
	}
	return run, err
}

// settleAlone runs the failures again, alone, with phpsapi and, as long as it
// has not passed them so, with stock, up to reruns times.
func settleAlone(ctx context.Context, runner Runner, c *Comparison, label string, reruns int) error {
	for again := 1; again <= reruns; again++ {
		doubtful := append(c.with(Failure), c.with(Unsteady)...)
		if len(doubtful) == 0 || len(doubtful) > manyFailures {
			return nil
		}
		slices.Sort(doubtful)
		label := fmt.Sprintf("%s-again-%d", label, again)
		stock, err := runner.run(ctx, Stock, label, 1, doubtful)
		if err != nil {
			return err
		}
		// phpsapi last: what this run leaves of a failure is what is kept.
		phpsapi, err := runner.run(ctx, PHPSAPI, label, 1, doubtful)
		if ctx.Err() != nil {
			return err
		}
		for _, test := range doubtful {
			if _, ran := phpsapi.Results[test]; !ran {
				phpsapi.Results = phpsapi.Results.with(Results{test: NotRun})
			}
		}
		c.settle(stock.Results, phpsapi.Results)
	}
	return nil
}

// announced is run with a line before it and one after.
func (r Runner) announced(ctx context.Context, side Side, label string, workers int, tests []string) (Run, error) {
	fmt.Printf("%s: %s%s: %d tests ...\n", r.Suite.Name, side, label, len(tests))
	run, err := r.run(ctx, side, label, workers, tests)
	n := run.Results.count(tests)
	fmt.Printf("%s: %s%s: %d passed, %d failed, %d skipped, %d others in %v\n", r.Suite.Name, side, label,
		n[Passed], n[Failed], n[Skipped], len(tests)-n[Passed]-n[Failed]-n[Skipped], run.Took.Round(100*time.Millisecond))
	return run, err
}
