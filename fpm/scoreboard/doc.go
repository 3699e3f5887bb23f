// Package scoreboard is where a pool's workers say what they are doing: shared
// memory that each worker writes its own page of, and that master, status page
// and metrics read.
//
//	page 0…     the pool: written by the master alone (Board)
//	then        the pages of each slot: written by that slot's worker alone (Slot), from the second on what it counts (Counts, Sites)
//
// The master makes a Board for each pool and passes its File to the workers. It
// has a slot from Occupy, before the fork, to Vacate, after the worker's death:
//
//	b, err := scoreboard.Create(pool.MaxChildren)
//	b.Occupy(i)                     // then fork the worker, then
//	b.SetPid(i, pid)
//	b.Publish(scoreboard.Pool{...}) // what the status page shall know
//	b.OutputOpen(i, false, true)    // what the worker shall know: the log has an unended line of its standard error
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
// Everybody reads through a Reader: the Board's, the Slot's, or one's own.
//
// # What is never done
//
// There is no lock: a writer counts up before and after each change, and a
// reader that sees an odd or a changed count tries again, a bounded number of
// times. A worker that dies within a change hurts nobody but its own line.
//
// Nothing in shared memory is a pointer, a length or an index, and the reader
// takes every bit pattern: texts end at their NUL or their field's end, an
// unknown stage is Creating. What may be believed: a worker's page is the
// worker's word, which a compromised one may make up. The master's pages can be
// written by nobody else, once the worker has closed the descriptor it opened
// its slot from, as a worker must.
//
// Counterpart: sapi/fpm/fpm/fpm_scoreboard.c, whose workers can write all of it
// and lock it.
package scoreboard
