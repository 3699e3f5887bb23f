// Package control is what an operator's command and the FPM master say to each other: `phpsapi fpm reload`, stop,
// status and others (docs/CONTROL.md). It has both ends of the conversation: a Client asks, a Server takes the requests of
// clients that may ask, and an Operator is what the master has of such a client. The observer's dashboard asks at a Door instead. The package decides
// which client may ask for what, and carries out nothing: package master does that. The commands are in package operate. It is pure Go.
//
//	operator's command                      master
//	  connects to Name(...)
//	  knows from the kernel            <->    knows from the kernel (SO_PEERCRED) which user asks: only
//	  whose master it is                      root and the master's own may
//	  a Request                        ->
//	                                   <-   Answers, the last one is Done
//	  closes the connection            ->     stops reporting; what was asked for continues
//	                                   <-   end of file: the master has ended
//
// The socket is a stream with a line of JSON for each Request and Answer. A connection has one Request. The socket's name is in the abstract
// namespace of the kernel, made from the master's pid: nothing is left on disk, and no pid file is needed (docs/adr/0008).
package control
