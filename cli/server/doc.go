// Package server is the parent of php's development server: `phpsapi cli -S address:port [-t docroot] [router]`.
//
//	server.Main          options → listening socket → zygote → accept loop → drain
//	  conn.go            one connection: read the request, find the file, answer or have it answered, close
//	    head.go body.go  read the request
//	    vpath.go         from the URL to the file
//	    static.go page.go  what needs no PHP: files, error pages
//	    pool.go child.go   what does: a worker is sent the request and the connection, and answers it itself
//
// The parent owns the listening socket, every connection until its end, the request that was read from it, and the
// workers. It never loads libphp: a script can crash its worker, not the server. A worker (package worker, below this
// one) has one request at a time; it lives until it was idle for a while or the server ends.
//
// What the parent says to a worker, and hears from it, is in message.go; every line of the log is in log.go.
//
// # Beyond php
//
// php answers one request after the other. Here requests run side by side, in as many workers as are needed, up to
// DefaultWorkers, or to those PHP_CLI_SERVER_WORKERS asks for: an application that calls itself does not wait for
// itself. Differences from php that follow from it, or are meant:
//
//   - A worker that dies costs its request: the log says by which signal, and the client gets an error page of status
//     500 where nothing was sent to it yet, else a closed connection.
//   - SIGINT and SIGTERM let the present requests finish; a second one ends the server at once. One that comes before PHP
//     has started ends it as it ends php.
//   - PHP that crashes while it starts ends the server with status 1. A process that starts workers and dies later, or
//     does not answer for ten seconds, is replaced, unless it died within a second.
//   - With PHP_CLI_SERVER_WORKERS one process listens, and says once that it started; a log line begins with the
//     process that wrote it, which for "Accepted" and "Closing" is the parent.
//   - A request's path may arrive in several pieces, if it is no longer than 16 KiB; php calls that malformed.
//   - A client that says `Expect: 100-continue` is told to continue.
//   - The log names the last error of the system behind a 405 or 501; here it is always the same one.
//   - A host without an address is named in the log; php, which asks by its own functions, has PHP's warning besides.
//   - Of several requests sent at once the first is answered; php calls them malformed.
//   - Zend extensions given by -z are loaded.
//   - Trailers behind a chunked body are read and forgotten.
//   - A client that has begun to send a request and falls silent is given a minute.
//   - A directory that holds a dot in its name and an index file, asked for by a path with that dot, is 404 as in PHP 8.2.
//
// Counterpart: sapi/cli/php_cli_server.c.
package server
