// Package front is FPM's HTTP server: a process of its own, started by the master as contract.FrontEnvironment says,
// that answers files itself and hands requests for scripts to pools by FastCGI (package upstream). It lives from one
// reload to the next; the listening sockets are the master's and outlive it.
//
//	conn         a client's connection: how many there may be, how long a write may take   (listen.go, conn.go)
//	  overflow   in place of workers that speak HTTP, if they are too few                  (overflow.go, reserve.go, backlog.go)
//	  handed     from such workers, and back to them                                       (workers.go, handed.go, output.go, wake.go)
//	  rescue     from such workers that died or are silent                                 (rescue.go)
//	  lot        where it waits for a request that does not come soon                      (park.go)
//	  net/http   HTTP/1.1, HTTP/2, TLS                                                     (server.go, certificates.go)
//	    exchange a request and its response: whose it is, what was sent, the access log    (exchange.go, serve.go)
//	      pages  ping.path and pm.status_path of the pools                                 (pages.go)
//	      site   which file or script a path is: pure but for stat(2)                      (site.go, path.go, route.go)
//	        static.go, sendfile.go, package upstream
//
// It never runs PHP, never has privileges to drop, never lists a directory and never sends the text of a script.
// docs/FRONT.md is the reference.
package front
