// Package cgi is the front end that is php-cgi: `phpsapi cgi`, or phpsapi called as php-cgi.
//
// A web server executes it once per request: the request's variables are the environment, its body is standard
// input, the answer goes to standard output. Without a web server's variables it was called from a shell. Main reads
// top to bottom: the options, module startup, the request (request.go), module shutdown. It ends the process by the
// exit status php-cgi would give.
//
// An ordinary request never comes here: it is answered before Go starts, by the same C (lifecycle/start_cgi.c, cgi_request.c).
//
// With -b, or a listening socket as standard input, it is a FastCGI server (serve.go): package server is the parent of
// children, package worker the process that answers.
//
// Counterpart: sapi/cgi/cgi_main.c.
package cgi
