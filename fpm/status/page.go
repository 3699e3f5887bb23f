// Counterpart: fpm_status_handle_request, main/SAPI.c (sapi_apply_default_charset)

package status

import "strings"

// Page is a response.
type Page struct {
	Status int
	// Headers are as php-fpm gives them to PHP, without line ends. There is no
	// Content-Type in a status page without body: PHP's default is in its place.
	Headers []string
	Body    []byte
}

const (
	expires      = "Expires: Thu, 01 Jan 1970 00:00:00 GMT"
	cacheControl = "Cache-Control: no-cache, no-store, must-revalidate, max-age=0"
	plain        = "Content-Type: text/plain"
)

var contentTypes = [...]string{
	HTML: "Content-Type: text/html", XML: "Content-Type: text/xml", JSON: "Content-Type: application/json",
	OpenMetrics: "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8", Text: plain,
}

// NewPage returns the status page; without its body for a HEAD request.
func NewPage(s Snapshot, c Choice, head bool) Page {
	p := Page{Status: 200, Headers: []string{expires, cacheControl}}
	if head {
		return p
	}
	p.Headers = append(p.Headers, contentTypes[c.Format])
	switch c.Format {
	case HTML:
		p.Body = s.html(c.Full)
	case XML:
		p.Body = s.xml(c.Full)
	case JSON:
		p.Body = s.json(c.Full)
	case OpenMetrics:
		p.Body = s.openmetrics()
	default:
		p.Body = s.text(c.Full)
	}
	return p
}

// Failure returns the page if there is no scoreboard to read. php-fpm logs
// "status: unable to find or access status shared memory" with it.
func Failure() Page {
	return Page{Status: 500, Headers: []string{plain, expires, cacheControl},
		Body: []byte("Internal error. Please review log file for errors.")}
}

// Ping returns the ping page; without its body for a HEAD request.
func Ping(response string, head bool) Page {
	p := Page{Status: 200, Headers: []string{plain, expires, cacheControl}}
	if !head {
		p.Body = []byte(response)
	}
	return p
}

// Defaults are php.ini's, of which PHP makes the rest of a page's head.
type Defaults struct {
	PoweredBy string // "PHP/8.2.36" with expose_php; empty without
	Mimetype  string // default_mimetype
	Charset   string // default_charset
}

// Lines returns the header lines of a page that PHP does not send, as it would
// send them. The status is not among them.
func (p *Page) Lines(d Defaults) []string {
	var lines []string
	if d.PoweredBy != "" {
		lines = append(lines, "X-Powered-By: "+d.PoweredBy)
	}
	typed := false
	for _, h := range p.Headers {
		if mimetype, ok := strings.CutPrefix(h, "Content-Type: "); ok {
			typed = true
			if strings.HasPrefix(mimetype, "text/") && d.Charset != "" {
				h = "Content-type: " + mimetype + ";charset=" + d.Charset
			}
		}
		lines = append(lines, h)
	}
	if !typed && d.Mimetype != "" {
		line := "Content-type: " + d.Mimetype
		if strings.HasPrefix(d.Mimetype, "text/") && d.Charset != "" {
			line += "; charset=" + d.Charset
		}
		lines = append(lines, line)
	}
	return lines
}
