package direct

import (
	"encoding/binary"
	"net/http"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
)

// sendNamed sends the file that a script's head names. It returns false if the front must do that.
func (c *Conn) sendNamed() bool {
	r := &c.response
	s := &r.script
	if s.Parse(r.named) != nil || s.Bodyless() || s.Has("Content-Encoding") {
		return false
	}
	path := c.site.NamedPath(s.Kind, s.Path)
	if path == "" {
		return false
	}
	f, found := c.files.open(path, "", time.Now())
	if found != opened {
		return false
	}
	defer closeFile(f.fd)
	plain := s.Status == http.StatusOK && c.isForFiles()
	demanded := whole
	if plain {
		tag := s.First("Etag")
		if tag == nil {
			tag = f.tag
		}
		if demanded = c.head.demands(tag, f.since, f.modified); demanded == unsure || len(tag) == 0 {
			return false
		}
	}
	if demanded == whole && !c.takes(&f) {
		return false
	}
	r.named, r.written = nil, 0
	if plain {
		c.sendFile(&f, demanded)
		return true
	}
	body := r.memory[:r.used]
	r.used = 0
	c.sendWhole(&f, s.Status, body)
	return true
}

// handNamed has the front send the file that a script's head names.
func (c *Conn) handNamed() {
	head := c.response.named
	text := binary.LittleEndian.AppendUint32(nil, uint32(len(head)))
	text = append(append(text, head...), c.in[c.first:]...)
	c.hand(&contract.HandOver{Letter: contract.Named, Text: text}, -1)
}
