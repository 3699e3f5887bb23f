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
//		n, err := conn.ReadBody(p)         // as often as the script reads
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
// # Beyond the specification
//
// The front and the workers of phpsapi tell each other more, in bits and bytes
// that the specification reserves: Interim and TellRead among the Flags,
// BeginRequest.Since and Site, and Closing in the status that ends a request.
// Other clients and applications do not set them, and take no notice of them.
//
// # Stock PHP
//
// php-fpm and php-cgi 8.2.36 differ from this package. They close the
// connection silently where it answers (UNKNOWN_TYPE, UNKNOWN_ROLE) or
// continues: at a pair that is split over records, at 65,535 bytes of content
// with padding, after an empty record with padding.
//
// They also accept what is an error here. They ignore request ids, so that
// they take id 0, and PARAMS and STDIN of another request. They take any
// version above 0. They take any record for the end of PARAMS, and lose that
// record: after a GET_VALUES among the params they run the request without the
// rest of them, and close the connection when they come to the rest.
package fastcgi
