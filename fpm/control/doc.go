// Package control is what an operator's command and the FPM master say to each other: `phpsapi fpm reload`, stop,
// status and others (docs/CONTROL.md). It is pure Go; the master's side is in package master, the commands are in package operate.
//
//	operator's command                      master
//	  connects to Name(...)
//	  knows it by SO_PEERCRED          <->    knows who asks: only root and its own user may
//	  a Request                        ->
//	                                   <-   Answers, the last one is Done
//	  has gone: end of file            ->     nobody is waiting any more; what was asked for continues
//	                                   <-   end of file: the master has ended
//
// The socket is a stream with a line of JSON for each Request and Answer. A connection has one Request. Its name is
// abstract: nothing is left on disk, and a master without a pid file has one too (docs/adr/0008).
package control
