package conf

import (
	"errors"
	"sort"
	"strings"
	"syscall"
	"unicode/utf8"
)

// What glob(3) returns.
const (
	globFound   = 0
	globAborted = 2
	globNoMatch = 3
)

// glob is glob(3) as php-fpm uses it for includes: sorted, giving up on a
// directory that cannot be read, and here without the directories it matches,
// which php-fpm skips. A match of directories only is a match.
func glob(sys *System, pattern string) (names []string, ret int) {
	paths, ret := globPaths(sys, pattern)
	if ret != globFound {
		return nil, ret
	}
	sort.Strings(paths)
	for _, p := range paths {
		if !strings.HasSuffix(p, "/") && !sys.isDir(p) {
			names = append(names, p)
		}
	}
	return names, globFound
}

func globPaths(sys *System, pattern string) (paths []string, ret int) {
	i := strings.LastIndexByte(pattern, '/')
	dir, name := "", pattern
	if i >= 0 {
		dir, name = pattern[:i], pattern[i+1:]
	}
	if name == "" && len(dir) > 0 && i > 0 { // "dir/": the directory itself
		dirs, ret := globPaths(sys, dir)
		if ret != globFound {
			return nil, ret
		}
		for _, d := range dirs {
			if sys.isDir(d) {
				paths = append(paths, d+"/")
			}
		}
		return found(paths)
	}
	if !special(dir) {
		return globIn(sys, unescape(dir), i >= 0, name)
	}
	dirs, ret := globPaths(sys, dir)
	if ret != globFound {
		return nil, ret
	}
	for _, d := range dirs {
		in, ret := globIn(sys, d, true, name)
		if ret == globAborted {
			return nil, ret
		}
		paths = append(paths, in...)
	}
	return found(paths)
}

// globIn matches the last part of a pattern in one directory.
func globIn(sys *System, dir string, slash bool, name string) ([]string, int) {
	prefix, open := dir, dir
	if slash {
		prefix += "/"
	}
	switch {
	case open == "" && slash:
		open = "/"
	case open == "":
		open = "."
	}
	if !special(name) {
		path := prefix + unescape(name)
		if _, err := sys.Lstat(path); err != nil {
			return nil, globNoMatch
		}
		return []string{path}, globFound
	}
	entries, err := sys.ReadDir(open)
	if errors.Is(err, syscall.ENOTDIR) {
		return nil, globNoMatch
	}
	if err != nil {
		return nil, globAborted
	}
	var paths []string
	p := characters(name)
	for _, e := range entries {
		if strings.HasPrefix(e, ".") && !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, `\.`) {
			continue
		}
		if fnmatch(p, characters(e)) {
			paths = append(paths, prefix+e)
		}
	}
	return found(paths)
}

func found(paths []string) ([]string, int) {
	if paths == nil {
		return nil, globNoMatch
	}
	return paths, globFound
}

// special tells whether a pattern can match anything but itself.
func special(p string) bool {
	bracket := false
	for i := 0; i < len(p); i++ {
		switch p[i] {
		case '*', '?':
			return true
		case '\\':
			i++
		case '[':
			bracket = true
		case ']':
			if bracket {
				return true
			}
		}
	}
	return false
}

func unescape(p string) string {
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		if p[i] == '\\' && i+1 < len(p) {
			i++
		}
		b.WriteByte(p[i])
	}
	return b.String()
}

// characters splits into runes what is UTF-8 and into bytes what is not.
func characters(s string) []rune {
	if utf8.ValidString(s) {
		return []rune(s)
	}
	r := make([]rune, len(s))
	for i := range len(s) {
		r[i] = rune(s[i])
	}
	return r
}

// fnmatch is fnmatch(3) within a directory. It goes back to the last star only,
// so it takes at most the product of the two lengths.
func fnmatch(p, s []rune) bool {
	star, mark := -1, 0
	for i, j := 0, 0; ; {
		if i < len(p) && p[i] == '*' {
			star, mark = i, j
			i++
			continue
		}
		if j == len(s) {
			return i == len(p)
		}
		if next, ok := matchOne(p, i, s[j]); ok {
			i = next
			j++
			continue
		}
		if star < 0 || mark >= len(s) {
			return false
		}
		mark++
		i, j = star+1, mark
	}
}

// matchOne matches the part of the pattern at i with c.
func matchOne(p []rune, i int, c rune) (next int, ok bool) {
	if i >= len(p) {
		return i, false
	}
	switch p[i] {
	case '?':
		return i + 1, true
	case '\\':
		if i+1 < len(p) {
			return i + 2, p[i+1] == c
		}
		return i, false
	case '[':
		if next, in, whole := matchSet(p, i, c); whole {
			return next, in
		}
	}
	return i + 1, p[i] == c
}

// matchSet matches a bracket expression; it is whole only with its ']'.
func matchSet(p []rune, i int, c rune) (next int, in, whole bool) {
	i++
	not := i < len(p) && (p[i] == '!' || p[i] == '^')
	if not {
		i++
	}
	for first := true; i < len(p); first = false {
		if p[i] == ']' && !first {
			return i + 1, in != not, true
		}
		if class, end := className(p, i); end > 0 {
			in = in || inClass(class, c)
			i = end
			continue
		}
		low := p[i]
		if low == '\\' && i+1 < len(p) {
			i++
			low = p[i]
		}
		i++
		high := low
		if i+1 < len(p) && p[i] == '-' && p[i+1] != ']' {
			i++
			if high = p[i]; high == '\\' && i+1 < len(p) {
				i++
				high = p[i]
			}
			i++
		}
		in = in || low <= c && c <= high
	}
	return 0, false, false
}

// className returns the name in "[:name:]" at i and where that ends.
func className(p []rune, i int) (name string, end int) {
	if i+1 >= len(p) || p[i] != '[' || p[i+1] != ':' {
		return "", 0
	}
	for j := i + 2; j+1 < len(p); j++ {
		if p[j] == ':' && p[j+1] == ']' {
			return string(p[i+2 : j]), j + 2
		}
	}
	return "", 0
}

func inClass(class string, c rune) bool {
	digit := c >= '0' && c <= '9'
	low, up := c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z'
	switch class {
	case "alpha":
		return low || up
	case "digit":
		return digit
	case "alnum":
		return digit || low || up
	case "lower":
		return low
	case "upper":
		return up
	case "space":
		return c == ' ' || c >= '\t' && c <= '\r'
	case "blank":
		return c == ' ' || c == '\t'
	case "xdigit":
		return digit || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
	case "punct":
		return c > ' ' && c < 0x7f && !digit && !low && !up
	case "print":
		return c >= ' ' && c < 0x7f
	case "graph":
		return c > ' ' && c < 0x7f
	case "cntrl":
		return c < ' ' || c == 0x7f
	}
	return false
}
