// Counterpart: sapi/fpm/fpm/fpm_request.c (requests_stages), fpm_request.h

package scoreboard

// Stage is what a worker is doing.
type Stage uint32

// The stages of a request, with php-fpm's numbers.
const (
	// Creating: the worker is being made. (php-fpm 8.2 has no word for it, 8.4's is this.)
	Creating Stage = iota
	// Accepting: waiting for a connection or for the next request on one.
	Accepting
	// ReadingHeaders: from the first byte of a request.
	ReadingHeaders
	// Info: all of the request but its body is known.
	Info
	// Executing: the script, or a page of php-fpm's own, runs.
	Executing
	// End: the response has been sent. php-fpm has the stage but never enters it: it says Finished.
	End
	// Finished: cleaning up.
	Finished

	stages
)

// String returns the state on the status page.
func (s Stage) String() string {
	if s >= stages {
		s = Creating
	}
	return [...]string{"Creating", "Idle", "Reading headers", "Getting request information", "Running", "Ending", "Finishing"}[s]
}
