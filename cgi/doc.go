// Package cgi is the front end that is php-cgi: `phpsapi cgi`, or phpsapi called as php-cgi.
//
// A web server executes it once per request: the request's variables are the environment, its body is standard
// input, the answer goes to standard output. Without a web server's variables it was called from a shell. Main reads
// top to bottom: the options, module startup (PHP reads php.ini and starts its extensions), the request (request.go),
// module shutdown. The exit status is php-cgi's.
//
// Most requests never reach this package: C answers a web server's call before Go starts if it has no options but -c, -d and
// -n (lifecycle/start.c). Others come here and are answered by the same functions of C (lifecycle/cgi_request.c).
//
// With --zygote a resident process answers in place of the program that the web server executes (zygote.go, package handover).
//
// With -b, or a listening socket as standard input, it is a FastCGI server (serve.go): package server is the parent of
// children, package worker the process that answers.
//
// Counterpart: sapi/cgi/cgi_main.c.
package cgi
