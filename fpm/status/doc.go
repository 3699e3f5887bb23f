// Package status makes php-fpm's status page and ping page, and what
// fpm_get_status() returns.
//
// It is four steps, each by itself a plain function:
//
//	snapshot, ok := status.Take(reader, version)   // read the scoreboard
//	choice := status.Choose(queryString, version)  // ?json&full
//	page := status.NewPage(snapshot, choice, head) // or status.Failure(), status.Ping(...)
//	page.Lines(defaults), page.Body                // the response
//
// The pages are those of php-fpm of that version, byte for byte, with these exceptions, all for
// the sake of programs that parse them:
//
//   - The pool's name is escaped as the format demands. php-fpm escapes only
//     texts from requests.
//   - Control characters are \x0a and the like in the text format, where a
//     line end in a URI could pass for another field.
//   - A worker that has not come to its first request is Creating, as in
//     newer releases, and not "(null)" with its duration counted from boot.
//
// Counterpart: sapi/fpm/fpm/fpm_status.c.
package status
