// Package direct is HTTP/1.1 as a worker speaks it: one connection at a time, with a client that is fast. Without it clients reach a
// service through the front alone, the process that speaks HTTP (package front). With the setting http.direct the workers accept the
// clients' connections themselves, and hand to the front what would hold them up.
//
//	server.go     what all connections of a worker have in common
//	conn.go       a connection: what has been read of it, its way to the front
//	address.go    the client's address
//	parse.go      the head of a request, in place
//	request.go    the next request, if it is one that a worker answers
//	params.go     what PHP is told of it
//	body.go       the request's body
//	response.go   the response of a script, from CGI's form to HTTP's
//	head.go       the lines of its head
//	routes.go     which scripts answer the paths that were asked for recently
//	plain.go      what is answered without a script: files, redirections, errors
//	file.go       files that are to be sent
//	reach.go      whether the front may open them: a worker sends no file that the front could not
//	condition.go  If-None-Match and other conditions of requests for files
//	named.go      a script's response that names a file
//	refuse.go     responses of scripts that cannot be understood
//	write.go      writing a response, and what happens if the client does not take it
//	rescue.go     the rescue socket, from which the master gets the connection if the worker dies
//	log.go        the lines of the access log
//
// Nothing here waits for a client. The front gets, with the connection, a request that has not come in whole, a response that the
// client does not take, a long file, and a request that is not plain HTTP/1.1, by the messages of package contract.
package direct
