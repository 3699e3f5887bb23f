// Package boards makes scoreboards for the tests of what reads or writes them.
package boards

import (
	"testing"

	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// One returns a scoreboard of one slot, which lives as long as the test.
func One(t testing.TB) *scoreboard.Board {
	t.Helper()
	return New(t, 1)
}

// New returns a scoreboard of some slots, which lives as long as the test.
func New(t testing.TB, slots int) *scoreboard.Board {
	t.Helper()
	b, err := scoreboard.Create(slots)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// Occupied returns a scoreboard of one slot that is occupied, and the slot as its worker has it.
func Occupied(t testing.TB) (*scoreboard.Board, *scoreboard.Slot) {
	t.Helper()
	b := One(t)
	b.Occupy(0)
	slot, err := scoreboard.OpenSlot(int(b.File().Fd()), 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	return b, slot
}
