// Package scoreboard is where a pool's workers say what they are doing: shared
// memory in which each worker writes its own pages, and which the master, the
// status page and the metrics read. A worker's place in it is a slot.
//
//	first       the pages of the pool: written by the master alone (Board)
//	then        the pages of each slot: written by that slot's worker alone (Slot).
//	            The first says what the worker does, the others what it has
//	            counted (Counts, Sites), and what it did when it crashed
//
// The master makes a Board for each pool and passes its File to the workers. A
// slot is a worker's from Occupy, before the fork, to Vacate, after the worker's
// death:
//
//	b, err := scoreboard.Create(pool.MaxChildren)
//	b.Occupy(i)                     // then fork the worker, then
//	b.SetPid(i, pid)
//	b.Publish(scoreboard.Pool{...}) // for the status page
//	b.OutputOpen(i, false, true)    // for the worker: the log has a line of its standard error that has not ended
//	last := b.Vacate(i)             // the worker is gone; its counts stay the pool's
//
// A worker opens its slot, closes the descriptor, and says each change of stage:
//
//	s, err := scoreboard.OpenSlot(fd, slots, i)
//	s.Accepting()
//	for each request {
//		s.Receiving()
//		s.ReadingHeaders() // or s.ReceivedNothing()
//		s.Info(scoreboard.Request{...})
//		s.Executing()
//		s.End(took, user, system, memory)
//		s.Count(status)
//		s.Finished()
//		s.Accepting()
//	}
//
// All read through a Reader: the Board's, the Slot's, or one of OpenReader's.
//
// # What is never done
//
// Nobody takes a lock. A writer adds 1 to a count before and after each change,
// and a reader that sees an odd or a changed count tries again, a bounded number
// of times. If a worker dies within a change, only what it says of itself cannot
// be read.
//
// Nothing in shared memory is a pointer, a length or an index, and the reader
// takes every bit pattern: texts end at their NUL or their field's end, an
// unknown stage is Creating. A worker's pages are the worker's word, and may be
// false. The master's pages are true: a worker closes the descriptor that it
// opened its slot from, and after that it can write its own pages alone.
//
// Counterpart: sapi/fpm/fpm/fpm_scoreboard.c, whose workers can write all of it
// and lock it.
package scoreboard
