package conf

import (
	"errors"
	"sort"
	"strings"
	"syscall"
	"unicode"
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
	paths, ret := globPaths(sys, pattern, false)
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

// globPaths matches a pattern; onlyDirs asks for directories, as far as
// glob(3) grants that: not for names without wildcards.
func globPaths(sys *System, pattern string, onlyDirs bool) (paths []string, ret int) {
	i := strings.LastIndexByte(pattern, '/')
	dir, name := "", pattern
	if i >= 0 {
		dir, name = pattern[:i], pattern[i+1:]
	}
	if name == "" && len(dir) > 1 { // "x/" is "x", marked if a directory
		backslashes := len(dir) - len(strings.TrimRight(dir, `\`))
		paths, ret = globPaths(sys, dir[:len(dir)-backslashes%2], true)
		for i, p := range paths {
			if sys.isDir(p) {
				paths[i] = p + "/"
			}
		}
		return paths, ret
	}
	if wild, _ := special(dir); !wild {
		return globIn(sys, unescape(dir), i >= 0, name, onlyDirs)
	}
	dirs, ret := globPaths(sys, dir, true)
	if ret != globFound {
		return nil, ret
	}
	for _, d := range dirs {
		in, ret := globIn(sys, d, true, name, onlyDirs)
		if ret == globAborted {
			return nil, ret
		}
		paths = append(paths, in...)
	}
	return found(paths)
}

// globIn matches the last part of a pattern in one directory.
func globIn(sys *System, dir string, slash bool, name string, onlyDirs bool) ([]string, int) {
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
	if wild, escaped := special(name); !wild && !escaped {
		path := prefix + name
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
	for _, e := range entries {
		if strings.HasPrefix(e, ".") && !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, `\.`) {
			continue
		}
		if fnmatch(name, e) && (!onlyDirs || sys.isDir(prefix+e)) {
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

// special reports whether a part of a pattern has wildcards or escapes. A
// bracket that is not closed counts: glob(3) looks for it in the directory.
func special(p string) (wild, escaped bool) {
	for i := 0; i < len(p); i++ {
		switch p[i] {
		case '*', '?', '[':
			wild = true
		case '\\':
			escaped = true
			i++
		}
	}
	return wild, escaped
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

// fnmatch is fnmatch(3) in the locale C.UTF-8, which PHP chooses, and within
// a directory: names match by characters or else by bytes.
func fnmatch(pattern, name string) bool {
	if utf8.ValidString(pattern) && utf8.ValidString(name) && match([]rune(pattern), []rune(name)) {
		return true
	}
	return match(bytesOf(pattern), bytesOf(name))
}

func bytesOf(s string) []rune {
	r := make([]rune, len(s))
	for i := range len(s) {
		r[i] = rune(s[i])
		if s[i] >= utf8.RuneSelf {
			r[i] += unicode.MaxRune // no character, so in no class
		}
	}
	return r
}

// match goes back to the last star only, so it takes at most the product of
// the two lengths.
func match(p, s []rune) bool {
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
	switch class {
	case "alpha":
		return unicode.IsLetter(c)
	case "digit":
		return c >= '0' && c <= '9'
	case "alnum":
		return unicode.IsLetter(c) || unicode.IsDigit(c)
	case "lower":
		return unicode.IsLower(c)
	case "upper":
		return unicode.IsUpper(c)
	case "space":
		return unicode.IsSpace(c)
	case "blank":
		return c == ' ' || c == '\t'
	case "xdigit":
		return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
	case "punct":
		return unicode.IsPunct(c) || unicode.IsSymbol(c)
	case "print":
		return unicode.IsPrint(c)
	case "graph":
		return unicode.IsGraphic(c) && !unicode.IsSpace(c)
	case "cntrl":
		return unicode.IsControl(c)
	}
	return false
}
