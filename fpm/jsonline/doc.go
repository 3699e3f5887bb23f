// Package jsonline makes the lines of logs in JSON: an object a line. What a script or a client says stays within its string: it ends neither
// the string nor the line, and moves no terminal's cursor.
//
//	b = jsonline.Begin(b, time.Now())          // {"timestamp":"2026-11-27T19:29:46.123456+01:00"
//	b = jsonline.Text(b, "method", "GET")      // ,"method":"GET"
//	b = jsonline.Int(b, "status", 200)         // ,"status":200
//	b = jsonline.Seconds(b, "duration", took)  // ,"duration":0.001834
//	b = jsonline.End(b)                        // }, and the end of the line
//
// Everything appends to a slice, and nothing else allocates.
package jsonline
