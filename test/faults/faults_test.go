//go:build e2e

package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
)

var ours program

func TestMain(m *testing.M) {
	os.Exit(serve.Main(m, func(dir string) error {
		ours = program{name: "phpsapi", path: filepath.Join(dir, "php-fpm")}
		return nil
	}))
}

func newRunner(t *testing.T) *runner {
	t.Helper()
	const seed = 1
	n := &runner{program: ours, random: rand.New(rand.NewPCG(seed, seed)), answers: map[string]string{}}
	t.Cleanup(n.stop)
	return n
}

// What may come among other faults comes once, one after the other, under one load.
func TestFaultsOneAfterTheOther(t *testing.T) {
	n := newRunner(t)
	scripts := settings{pcntl: true}
	ofScripts := slices.DeleteFunc(inStorm(scripts), func(f *fault) bool { return f.with != scripts })
	for with, all := range map[settings][]*fault{{}: inStorm(settings{}), scripts: ofScripts} {
		o := n.storm(with, all, func() time.Duration { return 10 * time.Millisecond })
		t.Log(o.summary())
		if o.err != nil {
			t.Fail()
		}
	}
}

// All others need a service of their own.
func TestFaultsAlone(t *testing.T) {
	n := newRunner(t)
	for _, f := range slices.DeleteFunc(faults(), func(f *fault) bool { return f.random || f.long }) {
		t.Run(f.name, func(t *testing.T) {
			o := n.inject(f)
			t.Log(o.summary())
			if o.skipped != nil {
				t.Skip(o.skipped)
			}
			if o.err != nil {
				t.Fail()
			}
		})
	}
}
