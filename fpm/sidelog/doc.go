// Package sidelog writes logs beside the master's loop, whose files may be pipes, or on file systems that do not answer, or are
// full: the log of incidents (Incidents) and the slow log of a pool (Slow). What waits for them is bounded; more is lost, and counted or
// told of, and nothing else waits.
//
//	l := sidelog.Incidents{Log: log, Now: time.Now, Post: func(w sidelog.Written) { events <- w }}
//	l.Open(path)
//	l.Add(line)
//	l.Heed(<-events) // in the goroutine that has called Add
//
// A value belongs to one goroutine, but for the functions that it is given, which other goroutines call.
package sidelog
