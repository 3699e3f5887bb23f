package site

import (
	"errors"
	"path"
	"strings"
)

var (
	errNul   = errors.New("NUL in the path")
	errAbove = errors.New("the path leads above the root")
)

// CleanPath makes the path of a URL, already decoded, one that leads straight from the root: no empty segments, no "."
// and no "..". A slash at the end stays, as it says that a directory is meant. An encoded slash is one like others.
func CleanPath(p string) (string, error) {
	if strings.IndexByte(p, 0) >= 0 {
		return "", errNul
	}
	if p == "" || p[0] != '/' {
		return "", errAbove
	}
	if isClean(p) {
		return p, nil
	}
	if leadsAbove(p) {
		return "", errAbove
	}
	cleaned := path.Clean(p)
	last := p[strings.LastIndexByte(p, '/')+1:]
	if cleaned != "/" && (last == "" || last == "." || last == "..") {
		cleaned += "/"
	}
	return cleaned, nil
}

// isClean reports whether no segment is empty, "." or "..", the one after the last slash apart, which may be empty.
func isClean(p string) bool {
	for i := 0; i < len(p); i++ {
		if p[i] != '/' || i+1 == len(p) {
			continue
		}
		rest := p[i+1:]
		if rest[0] == '/' {
			return false
		}
		if rest[0] == '.' && (isSegment(rest, ".") || isSegment(rest, "..")) {
			return false
		}
	}
	return true
}

// isSegment reports whether p's first segment is this one.
func isSegment(p, segment string) bool {
	return strings.HasPrefix(p, segment) && (len(p) == len(segment) || p[len(segment)] == '/')
}

// leadsAbove reports whether somewhere more segments have been left than entered.
func leadsAbove(p string) bool {
	depth := 0
	for segment := range strings.SplitSeq(p, "/") {
		switch segment {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				return true
			}
		default:
			depth++
		}
	}
	return false
}

// wellKnown is the one directory with a dot that is not hidden (RFC 8615).
const wellKnown = "/.well-known"

// isHidden reports whether a clean path has a segment that begins with a dot.
func isHidden(p string) bool {
	if isSegment(p, wellKnown) {
		p = p[len(wellKnown):]
	}
	return strings.Contains(p, "/.")
}

// sources are the ends of names that hold PHP's source by custom, whatever a pool runs.
func isSourceExtension(ext string) bool {
	switch ext {
	case ".php", ".php3", ".php4", ".php5", ".php7", ".php8", ".pht", ".phtml", ".phar", ".phps", ".inc":
		return true
	}
	return false
}

// isSource reports whether a file's name is one that may hold a script's text: x.php in any case, and what editors and
// people make of it: x.php~, x.php.bak, x.php_old, "x.php ". A name that continues to an end of its own that browsers
// know, x.php.html, is not one.
func (s *Site) isSource(name string) bool {
	name = strings.ToLower(name[strings.LastIndexByte(name, '/')+1:])
	if _, known := ContentType(name); known && !s.isScriptExtension(path.Ext(name)) {
		return false
	}
	for _, e := range s.lowerExtensions { // php-fpm.conf may have some without dot, or with more than letters
		if strings.HasSuffix(name, e) {
			return true
		}
	}
	for i := 0; i < len(name); i++ {
		if name[i] != '.' {
			continue
		}
		end := i + 1
		for end < len(name) && isAlphanumeric(name[end]) {
			end++
		}
		if s.isScriptExtension(name[i:end]) {
			return true
		}
	}
	return false
}

func isAlphanumeric(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' }

// isScriptExtension reports whether an end in lower case is a script's, of this site or by custom.
func (s *Site) isScriptExtension(ext string) bool {
	if isSourceExtension(ext) {
		return true
	}
	for _, e := range s.lowerExtensions {
		if e == ext {
			return true
		}
	}
	return false
}
