// Package fastcgi speaks FastCGI 1.0, for both ends of a connection: records,
// name-value pairs, and the order in which they may come. Numbers with a
// section sign are sections of the FastCGI Specification. It opens nothing,
// starts nothing and knows no PHP: descriptors, deadlines and goroutines are
// the caller's. Counterpart: main/fastcgi.c.
//
// # A server
//
// A worker makes one Conn and one Request in its life. For each connection it
// resets the Conn, and for each request it goes round once:
//
//	conn := fastcgi.NewConn(fastcgi.Config{ReadBuffer: in, WriteBuffer: out})
//	var req fastcgi.Request
//
//	conn.Reset(transport)
//	for keep := true; keep; {
//		if err := conn.ReadRequest(&req); err != nil {
//			break // io.EOF: the client left; else a line for the log
//		}
//		script := req.Params.Get("SCRIPT_FILENAME")
//		n, err := conn.ReadBody(p)         // if and as far as anybody wants it
//		conn.Response().Write(headers)     // buffered
//		conn.Response().WriteLast(body, 0, fastcgi.RequestComplete)
//		keep, err = conn.Finish()          // the only way to the next request
//	}
//	close(transport)
//
// The transport is an io.ReadWriter; with a Writev method too (VectorWriter)
// long output is not copied. Requests are read with as few reads, and answered
// with as few writes, as their size allows, and in a steady state nothing is
// allocated.
//
// Whatever the client sends, one of four things happens: it is used; it is
// answered as the specification says (management records, requests that
// cannot be taken up); it is skipped because the specification says so, within
// Limits; or the call returns a *RecordError that names the record, the stage
// and the rule, and the connection is good for nothing but closing.
//
// # A client
//
// RequestWriter sends and ResponseReader receives. They share nothing, so the
// two directions may run side by side, as they must when both are long.
//
// # Stock PHP
//
// Seen with php-fpm and php-cgi 8.2.36, where they do otherwise. They close
// silently where this package answers (UNKNOWN_TYPE, UNKNOWN_ROLE) or
// continues: at a pair split over records, at 65,535 bytes of content with
// padding, behind an empty record with padding.
//
// And they let pass what is an error here. They take no notice of request
// ids, so that 0, or PARAMS and STDIN of another request, will do; any version
// above 0 will do; and any record will do to end PARAMS, which is then lost:
// a GET_VALUES among the params makes them run the request without the rest,
// and close when they come to it.
package fastcgi
