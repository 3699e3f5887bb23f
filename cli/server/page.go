package server

import (
	"html"
	"strconv"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/sapi"
)

// pageText is what an error page says behind its heading. uri is fit for HTML.
func pageText(status int, uri string) string {
	switch status {
	case 400:
		return "Your browser sent a request that this server could not understand."
	case 404:
		return `The requested resource <code class="url">` + uri + `</code> was not found on this server.`
	case 405:
		return "Requested method not allowed."
	case 501:
		return "Request method not supported."
	}
	return "The server is temporarily unavailable."
}

const pageStyle = `<style>
body { background-color: #fcfcfc; color: #333333; margin: 0; padding:0; }
h1 { font-size: 1.5em; font-weight: normal; background-color: #9999cc; min-height:2em; line-height:2em; border-bottom: 1px inset black; margin: 0; }
h1, p { padding-left: 10px; }
code.url { background-color: #eeeeee; font-family:monospace; padding:0 2px;}
</style>
`

// page is an error page of php of that version.
func page(php sapi.PHPVersion, status int, uri string) string {
	heading := reason(status)
	viewport := ""
	if php.AtLeast(8, 5) {
		viewport = `<meta name="viewport" content="width=device-width, initial-scale=1">`
	}
	return "<!doctype html><html><head>" + viewport + "<title>" + strconv.Itoa(status) + " " + heading + "</title>" + pageStyle +
		"</head><body><h1>" + heading + "</h1><p>" + pageText(status, escape(uri)) + "</p></body></html>"
}

// errorResponse is a whole response with an error page, of which HEAD gets the head. Since 8.4 it names PHP, whatever
// expose_php says.
func (s *Server) errorResponse(h *head, headers []sapi.Variable, status int) []byte {
	content := ""
	if h.method != "HEAD" {
		content = page(s.php, status, h.uri)
	}
	var lines []string
	if s.php.AtLeast(8, 4) {
		lines = append(lines, "X-Powered-By: PHP/"+s.phpText)
	}
	lines = append(lines, "Content-Type: text/html; charset=UTF-8", "Content-Length: "+strconv.Itoa(len(content)))
	if status == 405 {
		lines = append(lines, "Allow: GET, HEAD, POST")
	}
	return append(responseHead(h.protocol, status, headers, lines...), content...)
}

// responseHead is the head of a response of the server's own.
func responseHead(protocol, status int, headers []sapi.Variable, lines ...string) []byte {
	b := append([]byte(StatusLine(protocol, status)), "\r\n"...)
	b = AppendEssential(b, headers, true)
	for _, line := range lines {
		b = append(append(b, line...), "\r\n"...)
	}
	return append(b, "\r\n"...)
}

// AppendEssential appends the header lines that every response has: Host, as the request had it, Date, if withDate is
// true, and Connection.
func AppendEssential(b []byte, headers []sapi.Variable, withDate bool) []byte {
	for _, v := range headers {
		if v.Name == "host" {
			b = append(append(append(b, "Host: "...), v.Value...), "\r\n"...)
		}
	}
	if withDate {
		b = append(b, "Date: "...)
		b = time.Now().UTC().AppendFormat(b, "Mon, 02 Jan 2006 15:04:05 GMT")
		b = append(b, "\r\n"...)
	}
	return append(b, "Connection: close\r\n"...)
}

// entity is the entity with which text begins; empty if it begins with none.
func entity(text string) string {
	end := strings.IndexByte(text, ';') + 1
	if end == 0 || strings.ContainsAny(text[1:end], "& ") || strings.HasSuffix(html.UnescapeString(text[:end]), ";") {
		return ""
	}
	return text[:end]
}

// escape makes text fit for HTML, and leaves entities that are there as they are.
func escape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		case '"':
			b.WriteString("&quot;")
		case '\'':
			b.WriteString("&#039;")
		case '&':
			if entity(text[i:]) != "" {
				b.WriteByte(c)
			} else {
				b.WriteString("&amp;")
			}
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
