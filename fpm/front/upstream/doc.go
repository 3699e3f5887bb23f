// Package upstream has the workers of a pool answer HTTP requests: a FastCGI client for one pool, for the front.
//
//	pool.go      who may ask the pool, and on which connection: a place each, a queue of those that wait
//	conn.go      a connection to a worker, kept from request to request
//	params.go    a request as CGI's meta-variables
//	window.go    how many connections there are workers for
//	body.go      a request's body: what is read before a worker is taken, and what is sent while it answers
//	answer.go    a response, from the worker's records to the client
//	slow.go      how a client is found out that is too slow for the worker
//	spool.go     where its response waits in a file, while the worker is free
//	head.go      the head of a response, by the rules of CGI and nginx
//
// Clients hold workers for a moment only: not by a slow body, of which half of the workers take the streamed ones, and not by
// taking the response slowly.
//
// A request that has no body, or a short one, is one write and as a rule one read, without a goroutine. Memory does not
// grow with the length of a body or a response: both go through buffers that belong to the connection.
//
// No request is ever run twice. One is sent again only where the kernel says that no worker has read a byte of it.
package upstream
