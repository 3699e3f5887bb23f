// Package contract is what the FPM master and a worker say to each other. It is pure Go, holds no state and opens
// nothing.
//
//	master                                  worker
//	  Spec, as the payload of the fork ->     becomes what the Spec says: files, limits, root, user, environment,
//	  and the descriptors it names            php.ini values, title
//	                                   <-   Ready                  (or Log lines, and it exits)
//	  the worker accepts connections itself: the master is never in a request's path
//
//	                                   <-   Park + fd              a kept connection that is idle
//	  polls it, never reads a byte
//	  WhenIdle                         ->
//	                                   <-   Idle                   and the worker accepts nothing until the answer
//	  Connection + fd, or Nothing      ->     serves it
//
//	  Quit                             ->     accepts no more, finishes its request, parks what is kept and idle, exits
//	  Yield                            ->     the same, but parks what it has accepted and not answered, too
//	                                   <-   Yielded                nothing new is answered by the old settings
//	  is gone: end of file             ->     the same as Quit
//
// The control socket is one end of a SOCK_SEQPACKET pair for each worker. A message is one packet: a letter, then
// text where the letter's comment says so; a descriptor travels with it as SCM_RIGHTS. Only the worker's main thread
// reads it, and only while it has no request. For what must be done during a request, the stack for the slow log,
// there is a second pair, the trace socket, which a second thread of the worker reads; a pool without
// request_slowlog_timeout has none.
//
// Neither side waits for the other for ever: the socket's end says that the other is gone. The master believes a
// worker nothing that could harm others. It reads one message of a worker at a time, closes descriptors that are not
// connections of the worker's pool, and lets a worker that sends what nobody expects wait.
package contract
