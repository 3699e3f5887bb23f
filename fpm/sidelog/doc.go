// Package sidelog writes two logs on goroutines beside the master's loop: the log of incidents (Incidents) and the slow log of a
// pool (Slow). Writing to them may take long, because a log may be a pipe that nobody reads, or on a file system that is full or does not answer.
// The loop never waits for that: lines are queued, and if the queue is full lines are lost, and counted or told of.
//
//	l := sidelog.Incidents{Log: log, Now: time.Now, Post: func(w sidelog.Written) { events <- w }}
//	l.Open(path)
//	l.Add(line)
//	l.Heed(<-events) // in the goroutine that has called Add
//
// A value belongs to one goroutine, but for the functions that it is given, which other goroutines call.
package sidelog
