package direct

import (
	"net/http"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/front/site"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/scripthead"
)

// Responses without a script: files, redirections and error pages. They are the same bytes as the front's. What would take long is left to
// the front.

// longestFile is the longest file that a worker sends, in bytes. A longer one would keep the worker from other requests.
const longestFile = 1 << 20

// answerPlain answers the present request, whose path is not a script's.
func (c *Conn) answerPlain(t *site.Target) outcome {
	h := &c.head
	if t.Status == http.StatusForbidden || c.noteRemark(t.Remark) {
		return foreign // the front may be allowed to read it, or has something to log
	}
	switch {
	case t.File != "":
		found := c.answerFile(t.File)
		if found == answered && t.Remark == "" && c.site.StaysFile(c.path) {
			c.know(t.File)
		}
		return found
	case c.files.reach.of(c.site.NameOf(c.path), c.begun).standing == closed:
		return foreign // the front may not see that there is nothing
	case t.Status != 0:
		return c.answerPage(t.Status)
	case !c.isForFiles():
		return c.refuseMethod()
	default:
		location := []byte(t.Location)
		if len(h.query) > 0 {
			location = append(append(location, '?'), h.query...)
		}
		return c.answerPage(http.StatusMovedPermanently, scripthead.Field{Name: locationName, Value: location})
	}
}

// sitePath is a clean path of a site.
type sitePath struct {
	site *site.Site
	path string
}

// know remembers the file that the present path names.
func (c *Conn) know(file string) {
	if len(c.known) >= mostLooked || c.known == nil {
		c.known = map[sitePath]string{}
	}
	c.known[sitePath{c.site, strings.Clone(c.path)}] = file
}

// answerKnown answers with the file that the present path is known to name, without routing. It returns foreign if no file is known, or if
// the worker cannot send it any more.
func (c *Conn) answerKnown() outcome {
	file, is := c.known[sitePath{c.site, c.path}]
	if !is || c.site.IsDenied(file) {
		return foreign
	}
	found := c.answerFile(file)
	if found == foreign {
		delete(c.known, sitePath{c.site, c.path})
	}
	return found
}

// isForFiles reports whether the present request's method is GET or HEAD.
func (c *Conn) isForFiles() bool { return c.isHead || string(c.head.method) == http.MethodGet }

func (c *Conn) refuseMethod() outcome {
	return c.answerPage(http.StatusMethodNotAllowed, scripthead.Field{Name: allowName, Value: allowFiles})
}

// noteRemark notes a remark that the front is told to log. It returns false if the front has been told it before.
func (c *Conn) noteRemark(remark string) bool {
	if remark == "" || c.remarks[remark] || len(c.remarks) >= mostPlaces {
		return false
	}
	if c.remarks == nil {
		c.remarks = map[string]bool{}
	}
	c.remarks[remark] = true
	return true
}

// answerPage answers with the page of an error or a redirection, and with further headers.
func (c *Conn) answerPage(status int, more ...scripthead.Field) outcome {
	c.response.script.Fields = append(c.response.script.Fields[:0], more...)
	c.beginPlain()
	c.sendPage(status, site.Explain(status))
	return c.endPlain()
}

// beginPlain begins a response without a script. If the worker dies within it the client's connection is closed.
func (c *Conn) beginPlain() {
	c.response.plain = true
	if c.saved.holds {
		c.Slot.HTTP(scoreboard.HTTPSent, c.listener)
	}
}

func (c *Conn) endPlain() outcome {
	c.End()
	return answered
}

// answerFile answers with a file.
func (c *Conn) answerFile(path string) outcome {
	f, found := c.files.open(path, "", c.begun)
	if found != opened {
		return foreign
	}
	defer func() { closeFile(f.fd) }()
	if !c.isForFiles() {
		return c.refuseMethod()
	}
	varies := len(c.site.Precompressed) > 0
	if varies && !c.choose(&f, path) {
		return foreign
	}
	demanded := c.head.demands(f.tag, f.since, f.modified)
	if demanded == unsure || demanded == whole && !c.takes(&f) {
		return foreign
	}
	c.response.script.Fields = c.response.script.Fields[:0]
	if varies {
		c.response.script.Fields = append(c.response.script.Fields, scripthead.Field{Name: varyName, Value: acceptEncoding})
	}
	c.beginPlain()
	c.sendFile(&f, demanded)
	return c.endPlain()
}

// choose replaces a file by the precompressed form that the client prefers, if one is as new as the file. It returns false if the front must
// choose.
func (c *Conn) choose(f *file, path string) bool {
	for _, coding := range site.Accepted(c.head.Values("Accept-Encoding"), c.site.Precompressed) {
		name, ok := c.site.PrecompressedName(path, coding)
		if !ok {
			continue
		}
		form, found := c.files.open(name, coding, c.begun)
		switch {
		case found == none:
		case found == unseen:
			return false
		case site.IsStale(form.modified, f.modified):
			closeFile(form.fd)
			if c.noteRemark(c.site.SayStale(name)) {
				return false
			}
		default:
			closeFile(f.fd)
			*f = form
			return true
		}
	}
	return true
}

// takes reports whether this worker may send a file. It reads a short one into the room.
func (c *Conn) takes(f *file) bool {
	r := &c.response
	if f.size > longestFile {
		return false
	}
	if f.size > room || c.isHead {
		return true
	}
	n := f.read(r.memory[:f.size], 0)
	if int64(n) < f.size {
		return false
	}
	r.used = n
	return true
}

// sendFile sends a file, or 304 if the client has it. Headers that are set already stay. The content of a short file is in the room.
func (c *Conn) sendFile(f *file, demanded demand) {
	r := &c.response
	s := &r.script
	body := r.memory[:r.used]
	r.used, r.began = 0, true
	if !s.Has("Etag") {
		s.Fields = append(s.Fields, scripthead.Field{Name: etagName, Value: f.tag})
	}
	if demanded == unasked {
		r.status, s.Status, r.length, r.bodyless = http.StatusNotModified, http.StatusNotModified, -1, true
		s.Remove("Last-Modified")
		c.makeHead()
		c.sendHead(nil, 0)
		return
	}
	s.Set(rangesName, rangesValue)
	s.Set(modifiedName, f.since)
	if len(f.coding) > 0 {
		s.Fields = append(s.Fields, scripthead.Field{Name: codingName, Value: f.coding})
	}
	c.sendWhole(f, http.StatusOK, body)
}

// sendWhole sends a file with a status. body is the content of a short one.
func (c *Conn) sendWhole(f *file, status int, body []byte) {
	r := &c.response
	r.began, r.status, r.script.Status, r.length, r.bodyless = true, status, status, f.size, c.isHead
	if !r.script.Has("Content-Type") {
		r.script.Fields = append(r.script.Fields, scripthead.Field{Name: typeName, Value: f.mediaType})
	}
	c.makeHead()
	switch {
	case c.isHead:
		c.sendHead(nil, 0)
	case f.size <= room:
		r.written = f.size
		c.sendHead(body, 0)
	case c.sendHead(nil, unix.MSG_MORE) == nil:
		c.sendRest(f)
	}
}

// sendHead sends HTTP's head and a body. flags are of sendmsg(2).
func (c *Conn) sendHead(body []byte, flags int) error {
	r := &c.response
	v := appendIovec(appendIovec(r.iov[:0], r.head), body)
	r.head = r.head[:0]
	return c.sendWith(v, flags)
}

// sendRest sends a file after its head. The front sends what the client does not take at once.
func (c *Conn) sendRest(f *file) {
	r := &c.response
	for r.written < f.size && r.relay < 0 {
		offset := r.written
		n, _, errno := unix.Syscall6(unix.SYS_SENDFILE, uintptr(c.fd), uintptr(f.fd), uintptr(unsafe.Pointer(&offset)), uintptr(f.size-r.written), 0, 0)
		switch {
		case errno == unix.EINTR:
		case errno == unix.EAGAIN:
			c.leaveFile(f)
			return
		case errno != 0, n == 0: // the client is gone, or the file has become shorter
			r.failed = true
			return
		default:
			r.written += int64(n)
		}
	}
	for r.written < f.size { // the front has the connection, as the client did not take the head
		n := f.read(r.memory[:min(room, f.size-r.written)], r.written)
		if n == 0 || c.send(appendIovec(r.iov[:0], r.memory[:n])) != nil {
			r.failed = true
			return
		}
		r.written += int64(n)
	}
}

// leaveFile gives the front the connection and the rest of the file, because the client does not take it.
func (c *Conn) leaveFile(f *file) {
	r := &c.response
	part := contract.FilePart{Offset: r.written, Length: f.size - r.written, Next: contract.OutputEnd, Behind: c.in[c.first+c.size:]}
	if r.close || c.eof {
		part.Next, part.Behind = contract.OutputClose, nil
	}
	c.hand(&contract.HandOver{Letter: contract.Output, Next: contract.OutputFile, Text: contract.AppendFilePart(nil, &part)}, f.fd)
	r.written = f.size
}

// The names and values of headers.
var (
	allowName      = []byte("Allow")
	allowFiles     = []byte("GET, HEAD")
	locationName   = []byte("Location")
	etagName       = []byte("Etag")
	rangesName     = []byte("Accept-Ranges")
	rangesValue    = []byte("bytes")
	modifiedName   = []byte("Last-Modified")
	typeName       = []byte("Content-Type")
	codingName     = []byte("Content-Encoding")
	varyName       = []byte("Vary")
	acceptEncoding = []byte("Accept-Encoding") // a value of Vary
	pageType       = []byte("text/html; charset=utf-8")
)

// sendPage sends the page of an error or a redirection. Headers that are set already stay.
func (c *Conn) sendPage(status int, text string) error {
	r := &c.response
	page := []byte(site.ErrorPage(status, text, string(c.id)))
	r.began, r.status, r.script.Status, r.length, r.bodyless = true, status, status, int64(len(page)), c.isHead
	r.script.Fields = append(r.script.Fields, scripthead.Field{Name: typeName, Value: pageType})
	c.makeHead()
	if c.isHead {
		page = nil
	}
	r.written = int64(len(page))
	return c.sendHead(page, 0)
}
