// Package front is FPM's HTTP server: a process of its own, started by the master as contract.FrontTitle says. It sends
// files itself, and has the workers of a pool run scripts, which it asks by FastCGI (package upstream). It lives from one
// reload to the next; the listening sockets are the master's and outlive it.
//
// With http.direct the workers accept clients' connections, too, and answer what they can at once (package direct). The
// front then gets from them what they do not answer.
//
//	conn         a client's connection: how many there may be, how long a write may take   (conn.go, connections.go)
//	  overflow   accepted in place of workers that speak HTTP, if they are too busy        (overflow.go, reserve.go, backlog.go)
//	  handed     received from such workers, and given back to them                        (workers.go, handed.go, output.go, wake.go)
//	  rescue     received after such a worker died or was silent                           (rescue.go)
//	  lot        where it waits for a request that does not come soon                      (park.go)
//	  net/http   HTTP/1.1, HTTP/2, TLS                                                     (server.go, certificates.go)
//	    exchange a request and its response: whose it is, what was sent, the access log    (exchange.go, serve.go)
//	      pages  ping.path and pm.status_path of the pools                                 (pages.go)
//	      site   which file or script a path is                                            (package site)
//	        static.go, sendfile.go, package upstream
//
// It never runs PHP, has no privileges, never lists a directory and never sends the text of a script.
// docs/FRONT.md is the reference.
package front
