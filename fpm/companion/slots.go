package companion

import (
	"os"

	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// MostFronts is how many fronts of a generation may count at a time: one that a signal has stopped lives beside the one that replaces it.
const MostFronts = 4

// Slots are where the fronts of a generation count what they do. The zero value has no scoreboard yet, nil no fronts.
type Slots struct{ board *scoreboard.Board }

// take returns a slot for a front that is about to be executed; -1: there is none, and it does not count.
func (s *Slots) take() int {
	if s.board == nil {
		board, err := scoreboard.Create(MostFronts)
		if err != nil {
			return -1
		}
		s.board = board
	}
	for i := range MostFronts {
		if !s.board.Used(i) {
			s.board.Occupy(i)
			return i
		}
	}
	return -1
}

func (s *Slots) file() *os.File { return s.board.File() }

// vacate gives a slot back. s may be nil, of a front that has none.
func (s *Slots) vacate(slot int) {
	if s != nil && s.board != nil && slot >= 0 {
		s.board.Vacate(slot)
	}
}

// Board returns the scoreboard; nil if there was no front.
func (s *Slots) Board() *scoreboard.Board { return s.board }

// Close closes the scoreboard.
func (s *Slots) Close() {
	if s.board != nil {
		s.board.Close()
	}
}
