package front

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/phpsapi/phpsapi/fpm/front/site"
	"github.com/phpsapi/phpsapi/fpm/front/upstream"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// sendFile answers with a file, or says why it cannot.
func (x *exchange) sendFile(path string) {
	file, info, status := x.open(path)
	if status != 0 {
		x.fail(status)
		return
	}
	defer file.Close()
	name, coding := info.Name(), ""
	if codings := x.site.Precompressed; len(codings) > 0 {
		addVary(x.Header())
		for _, one := range site.Accepted(x.r.Header[acceptEncoding], codings) {
			if form, formed := x.precompressed(path, one, info); form != nil {
				defer form.Close()
				file, info, coding = form, formed, one
				break
			}
		}
	}
	x.serveContent(file, info, name, coding)
}

// precompressed opens the form of a file that was compressed beforehand by a content coding. It returns nil if the form cannot be opened or
// is older than the file.
func (x *exchange) precompressed(path, coding string, original fs.FileInfo) (*os.File, fs.FileInfo) {
	name, ok := x.site.PrecompressedName(path, coding)
	if !ok {
		return nil, nil
	}
	file, info, _ := x.open(name)
	if file != nil && site.IsStale(info.ModTime(), original.ModTime()) {
		x.site.SayStale(name)
		file.Close()
		return nil, nil
	}
	return file, info
}

// open opens a file to be sent; status is that of the error's page, or 0. It never waits, whatever the path is.
func (x *exchange) open(path string) (file *os.File, info fs.FileInfo, status int) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err == nil {
		if info, err = file.Stat(); err == nil && info.Mode().IsRegular() {
			return file, info, 0
		}
		file.Close()
	}
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENXIO),
		errors.Is(err, syscall.ENAMETOOLONG), errors.Is(err, syscall.ELOOP):
		return nil, nil, http.StatusNotFound
	case errors.Is(err, fs.ErrPermission):
		return nil, nil, http.StatusForbidden
	}
	x.logf(zlog.Error, "%v", err)
	if upstream.IsLack(err) {
		x.Header()["Retry-After"] = []string{x.front.retryAfter}
		return nil, nil, http.StatusServiceUnavailable
	}
	return nil, nil, http.StatusInternalServerError
}

// serveContent sends a file, whole or in parts, or what the request's conditions leave of it. Its media type is that of name. coding is its
// content coding; "": none. A Content-Type and an ETag that are set already stay.
func (x *exchange) serveContent(file *os.File, info fs.FileInfo, name, coding string) {
	x.coding = coding
	h := x.Header()
	if _, has := h["Content-Type"]; !has {
		mediaType, _ := site.ContentType(name)
		h["Content-Type"] = []string{mediaType}
	}
	if _, has := h["Etag"]; !has {
		h["Etag"] = []string{string(site.AppendEntityTag(nil, info.ModTime(), info.Size(), coding))}
	}
	if ranges := x.r.Header["Range"]; len(ranges) > 0 && (info.Size() == 0 || !strings.HasPrefix(ranges[0], "bytes=")) {
		delete(x.r.Header, "Range") // net/http refuses units that it does not know, and finds ranges in nothing
	}
	dropEmptyRanges(x.r.Header, info.Size())
	http.ServeContent(x, x.r, "", info.ModTime(), file)
}

// dropEmptyRanges takes ranges of the last 0 bytes out of a request: they can never be satisfied (RFC 9110, section
// 14.1.2), and net/http sends nothing and calls it a part.
func dropEmptyRanges(h http.Header, size int64) {
	ranges := h["Range"]
	if len(ranges) == 0 || !strings.Contains(ranges[0], "-0") {
		return
	}
	var kept []string
	for one := range strings.SplitSeq(strings.TrimPrefix(ranges[0], "bytes="), ",") {
		if one = strings.TrimSpace(one); !strings.HasPrefix(one, "-0") || strings.Trim(one[1:], "0") != "" {
			kept = append(kept, one)
		}
	}
	if len(kept) == 0 {
		kept = []string{strconv.FormatInt(size, 10) + "-"} // cannot be satisfied, either
	}
	h["Range"] = []string{"bytes=" + strings.Join(kept, ",")}
}

// sendWhole sends a file with a status of its own.
func (x *exchange) sendWhole(file *os.File, info fs.FileInfo, status int) {
	h := x.Header()
	if _, has := h["Content-Type"]; !has {
		mediaType, _ := site.ContentType(info.Name())
		h["Content-Type"] = []string{mediaType}
	}
	h["Content-Length"] = []string{strconv.FormatInt(info.Size(), 10)}
	x.WriteHeader(status)
	if x.r.Method != http.MethodHead {
		io.CopyN(x, file, info.Size())
	}
}
