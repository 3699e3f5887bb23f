// Package contract is what the processes of an FPM service say to each other: the master, the workers that run PHP, the front, which
// speaks HTTP to clients, and the observer, which serves metrics, health and the dashboard. It has the letters of the messages, and the
// structures that go with them. It is pure Go, holds no state and opens nothing.
//
// Below is the conversation of the master and a worker. FrontEnvironment has the one with a front, ObserverTitle the one with an
// observer, and HTTP the one of a front and workers that speak HTTP themselves. What operators say to the master is in package control.
//
//	master                                  worker
//	  Spec, as the payload of the fork ->     becomes what the Spec says: files, limits, root, user, environment,
//	  and the descriptors it names            php.ini values, title
//	                                   <-   Ready                  (or Log lines, and it exits)
//	  the worker accepts connections itself: the master is never in a request's path
//
//	                                   <-   Park + fd              a connection that its client keeps open, and that is idle
//	  waits until a request comes on it, and reads no byte of it
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
