package front

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/front/site"
)

// compressor compresses a response by gzip.
type compressor struct {
	gzip *gzip.Writer
	out  []byte // compressed, and not yet written to the client
	left int64  // bytes of the response that are to come, uncompressed; negative: their number is not known
}

// outBuffer is how much of a compressed response is gathered for a write, in bytes.
const outBuffer = 16 << 10

// mostCompressors is how many responses are compressed at once. Each takes half a megabyte for as long as its client is slow. Further
// responses are sent as they are.
const mostCompressors = 128

func newCompressor() *compressor {
	c := &compressor{}
	c.gzip, _ = gzip.NewWriterLevel(c, gzip.BestSpeed) // it returns an error if the level is wrong
	return c
}

func (c *compressor) Write(p []byte) (int, error) {
	c.out = append(c.out, p...)
	return len(p), nil
}

// acceptEncoding is the header that says which content codings a client takes.
const acceptEncoding = "Accept-Encoding"

// compress has the response compressed and changes its head to match, if the site has http.compress, the response is compressible and the
// client takes gzip.
func (x *exchange) compress(status int, h http.Header) {
	if x.site == nil || x.site.Compress == nil {
		return
	}
	if status == http.StatusNotModified {
		addVary(h)
		x.weakenAsAsked(h)
		return
	}
	if !isCompressible(x.site.Compress, status, h) {
		return
	}
	addVary(h)
	if !x.r.ProtoAtLeast(1, 1) || len(site.Accepted(x.r.Header[acceptEncoding], []string{"gzip"})) == 0 || hasToken(x.r.Header["Cache-Control"], "no-transform") {
		return
	}
	if x.r.Method != http.MethodHead && !x.takeCompressor(lengthOf(h)) {
		return
	}
	h["Content-Encoding"] = []string{"gzip"}
	delete(h, "Content-Length")
	delete(h, "Accept-Ranges")
	weaken(h)
}

// isCompressible reports whether a site has a response compressed for clients that take gzip.
func isCompressible(c *contract.Compression, status int, h http.Header) bool {
	switch {
	case status == http.StatusNoContent, status == http.StatusPartialContent, len(h["Content-Encoding"]) > 0, len(h["Content-Range"]) > 0:
		return false
	case len(h["Content-Digest"])+len(h["Repr-Digest"])+len(h["Digest"])+len(h["Content-Md5"]) > 0: // they would be wrong
		return false
	case hasToken(h["Cache-Control"], "no-transform") || !hasType(c.Types, firstOf(h["Content-Type"])):
		return false
	}
	n := lengthOf(h)
	return n < 0 || n >= c.Least
}

// lengthOf returns the Content-Length; -1 if it is not known.
func lengthOf(h http.Header) int64 {
	n, err := strconv.ParseInt(firstOf(h["Content-Length"]), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// hasType reports whether a media type, without its parameters, is one of a list, which may have text/* for all of a kind.
func hasType(types []string, mediaType string) bool {
	mediaType, _, _ = strings.Cut(mediaType, ";")
	mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	kind, _, ok := strings.Cut(mediaType, "/")
	return ok && (slices.Contains(types, mediaType) || slices.Contains(types, kind+"/*"))
}

// hasToken reports whether the values of a header, which are lists, have a word.
func hasToken(values []string, word string) bool {
	for _, value := range values {
		for token := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(token), word) {
				return true
			}
		}
	}
	return false
}

// addVary tells caches that the response depends on what the client takes.
func addVary(h http.Header) {
	if vary := h["Vary"]; !hasToken(vary, acceptEncoding) && !hasToken(vary, "*") {
		h["Vary"] = append(vary[:len(vary):len(vary)], acceptEncoding)
	}
}

// weaken makes the ETag a weak one, because the compressed response has the same meaning and other bytes.
func weaken(h http.Header) {
	if tag := firstOf(h["Etag"]); strings.HasPrefix(tag, `"`) {
		h["Etag"] = []string{"W/" + tag}
	}
}

// weakenAsAsked weakens the ETag of a 304 if the client has asked by the weak one: it has the compressed response.
func (x *exchange) weakenAsAsked(h http.Header) {
	if tag := firstOf(h["Etag"]); tag != "" && strings.Contains(firstOf(x.r.Header["If-None-Match"]), "W/"+tag) {
		weaken(h)
	}
}

// takeCompressor takes a compressor for the exchange and a response of that length; -1: it is not known. It returns false if too many are in
// use.
func (x *exchange) takeCompressor(length int64) bool {
	f := x.front
	if f.compressing.Add(1) > mostCompressors {
		f.compressing.Add(-1)
		return false
	}
	x.compressor = f.compressors.Get().(*compressor)
	x.compressor.gzip.Reset(x.compressor)
	x.compressor.left = length
	return true
}

// writeCompressed is Write if the response is compressed.
func (x *exchange) writeCompressed(p []byte) (int, error) {
	c := x.compressor
	if n, err := c.gzip.Write(p); err != nil {
		return n, err
	}
	if c.left > 0 {
		c.left -= int64(len(p))
	}
	if len(c.out) >= outBuffer {
		if err := x.passCompressed(); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// passCompressed writes to the client what is compressed.
func (x *exchange) passCompressed() error {
	c := x.compressor
	if len(c.out) == 0 {
		return nil
	}
	_, err := x.write(c.out)
	c.out = c.out[:0]
	return err
}

// flushCompressed writes to the client all that it needs to read what was written so far.
func (x *exchange) flushCompressed() error {
	if x.compressor == nil {
		return nil
	}
	if err := x.compressor.gzip.Flush(); err != nil {
		return err
	}
	return x.passCompressed()
}

// endCompressed ends a compressed response. If less came than its Content-Length, because a file has become shorter, it breaks the
// response off: a compressed one has no Content-Length by which its client could see that.
func (x *exchange) endCompressed() {
	if x.compressor == nil {
		return
	}
	if x.compressor.left > 0 {
		panic(http.ErrAbortHandler)
	}
	if x.compressor.gzip.Close() == nil {
		x.passCompressed()
	}
	x.leaveCompressor()
}

// leaveCompressor gives the compressor back, however the response has ended.
func (x *exchange) leaveCompressor() {
	c := x.compressor
	if c == nil {
		return
	}
	x.compressor = nil
	c.out = c.out[:0]
	x.front.compressors.Put(c)
	x.front.compressing.Add(-1)
}
