// Package upstream has the workers of a pool answer HTTP requests: a FastCGI client for one pool, for the front.
//
//	serve.go     a request: it takes a place and a connection, is sent as CGI's meta-variables, and gives both back
//	pool.go      which request may ask the pool, and on which connection: each takes a place, or waits in a queue for one
//	conn.go      a connection to a worker, kept from request to request
//	window.go    how many connections the pool has workers for
//	body.go      a request's body: what is read before a worker is taken, and what is sent while it answers
//	answer.go    a response, from the worker's records to the client: its head, by the rules of CGI and nginx, and its body
//	slow.go      how a client that is too slow for the worker is noticed
//	spool.go     the file in which its response waits, while the worker is free
//	named.go     the answer to a request that a worker has answered with the name of a file
//	withdraw.go  how a request is taken back that no worker has read yet
//	budget.go    how much space temporary files may take; demand.go: what the pool's requests want of it, for the master
//	log.go       what is logged; errors.go: what Serve returns
//
// A slow client does not hold a worker. The body of a request is read before a worker is taken, into a file if it is long. A long body
// that comes fast is streamed to the worker instead, but at most half of the workers have such a body at a time. A response that the
// client takes slowly goes to a file, and the worker is free.
//
// A request that has no body, or a short one, is one write and as a rule one read, without a goroutine. Memory does not
// grow with the length of a body or a response: both go through buffers that belong to the connection.
//
// No request is ever run twice. A request is sent again only if the kernel says that no worker has read a byte of it.
package upstream
