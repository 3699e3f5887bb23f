// Package direct is HTTP/1.1 as a worker speaks it: one connection at a time, with a client that is fast.
//
//	server.go     what all connections of a worker have in common
//	conn.go       a connection: what has been read of it, its way to the front
//	address.go    whose it is
//	parse.go      the head of a request, in place
//	request.go    the next request, if it is one that a worker answers
//	params.go     what PHP is told of it
//	body.go       the request's body
//	response.go   the response of a script, from CGI's form to HTTP's
//	head.go       the lines of its head
//	plain.go      what is answered without a script: files, redirections, errors
//	file.go       files that are to be sent
//	reach.go      whether the front may open them
//	condition.go  If-None-Match and other conditions of requests for files
//	named.go      a script's response that names a file
//	refuse.go     responses of scripts that cannot be understood
//	write.go      writing it, and what happens if the client does not take it
//	rescue.go     the rescue socket
//	log.go        the lines of the access log
//
// Nothing here waits for a client. A request that has not come in whole, a response that the client does not take, and everything
// that is not plain goes to the front, by the messages of package contract.
package direct
