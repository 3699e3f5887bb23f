package site

import (
	"path"
	"strings"
)

// isSourceExtension reports whether an end of names is one that holds PHP's source by custom, whatever a pool runs.
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
