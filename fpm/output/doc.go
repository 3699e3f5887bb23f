// Package output takes what a worker writes to stdout and stderr to the error log, as php-fpm does for a pool with
// catch_workers_output.
//
//	o, stdout, stderr, err := output.New(board, slot) // the files are the worker's
//	o.Read(output.Origin{Pool: "www", Pid: pid}, func(p *output.Piece) { ... })
//	ended := p.Log(log) // of each piece, in one goroutine
//
// An Output lives until both pipes have ended, which may be after the worker's end: a process that a script has started has
// them, too. A worker is told by its slot of the scoreboard what of its output is not in the log yet, so that it can end a line
// that it has begun. What a worker writes is bounded and made printable; it never becomes a line of another worker's, or the
// master's.
package output
