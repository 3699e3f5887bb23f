package server

import (
	"os"
	"strings"

	"github.com/phpsapi/phpsapi/sapi"
)

// location is where a URL's path leads.
type location struct {
	vpath string // the script's or file's path below the document root, with a slash before it: SCRIPT_NAME
	// pathInfo is the rest of the URL's path behind the file.
	pathInfo string
	file     string // document root and vpath; empty if there is no such file
	size     int64  // the file's, in bytes
}

// normalize decodes a URL's path, and takes out repeated slashes and the segments "." and "..".
func normalize(path string) string {
	path = decode(path)
	rooted := strings.HasPrefix(path, "/")
	var kept []string
	segments := strings.Split(strings.TrimLeft(path, "/"), "/")
	for i, segment := range segments {
		last := i == len(segments)-1
		switch {
		case segment == "" && !last:
		case segment == ".":
			if last {
				kept = append(kept, "")
			}
		case segment == "..":
			if len(kept) > 0 {
				kept = kept[:len(kept)-1]
			}
			if last {
				kept = append(kept, "")
			}
		default:
			kept = append(kept, segment)
		}
	}
	joined := strings.Join(kept, "/")
	if rooted {
		return "/" + joined
	}
	return joined
}

// decode replaces %XX; a percent sign before anything else stays (php_raw_url_decode).
func decode(text string) string {
	if !strings.Contains(text, "%") {
		return text
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) && hexDigit(text[i+1]) >= 0 && hexDigit(text[i+2]) >= 0 {
			out = append(out, byte(hexDigit(text[i+1])<<4|hexDigit(text[i+2])))
			i += 2
			continue
		}
		out = append(out, text[i])
	}
	return string(out)
}

// locate finds the file for a normalized path below the document root: the file itself, a directory's index.php or
// index.html, or the same in the nearest directory above that exists. The part of the path after the file is the path
// info. For a path with a dot php before 8.4 looks for no index.
func locate(php sapi.PHPVersion, root, vpath string) location {
	path := root
	if vpath != "" && vpath[0] != '/' {
		path += "/"
	}
	path += vpath
	static := !php.AtLeast(8, 4) && strings.LastIndexByte(vpath, '.') > 0
	for end := len(path); end > 0 && end >= len(root); {
		info, err := os.Stat(UntilNUL(path[:end]))
		if err != nil {
			end = max(strings.LastIndexByte(path[:end], '/'), 0)
			continue
		}
		found, rest := path[:end], path[end:]
		if info.IsDir() {
			index, indexInfo := indexOf(found)
			if index == "" || static {
				return location{vpath: vpath}
			}
			found, info = index, indexInfo
		}
		return location{vpath: found[len(root):], pathInfo: rest, file: found, size: info.Size()}
	}
	return location{vpath: vpath}
}

// indexOf returns a directory's index file; empty if there is none.
func indexOf(dir string) (string, os.FileInfo) {
	if !strings.HasSuffix(dir, "/") {
		dir += "/"
	}
	for _, name := range []string{"index.php", "index.html"} {
		if info, err := os.Stat(UntilNUL(dir) + name); err == nil && info.Mode().IsRegular() {
			return dir + name, info
		}
	}
	return "", nil
}

// UntilNUL returns text up to its first NUL byte, which is where a string of C's ends.
func UntilNUL(text string) string {
	text, _, _ = strings.Cut(text, "\x00")
	return text
}

// extension is what follows the last dot of the virtual path; empty if there is none.
func (l location) extension() string {
	if dot := strings.LastIndexByte(l.vpath, '.'); dot >= 0 {
		return l.vpath[dot+1:]
	}
	return ""
}

// isScript reports whether PHP is to execute the file.
func (l location) isScript() bool {
	return l.file != "" && strings.EqualFold(l.extension(), "php")
}
