package site

import (
	"fmt"
	"path"
	"strings"
	"sync/atomic"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// denial is an entry of contract.Site.Deny, taken apart. A file must be in dir, if that is not empty, and have the name or
// the end.
type denial struct {
	text  string
	allow bool
	dir   string // "/vendor/", below the root
	name  string
	end   string
	said  *atomic.Bool
}

// newDenials takes a list apart. Entries are in lower case, as the names that are compared with them.
func newDenials(list []string) (all []denial, err error) {
	for _, text := range list {
		d := denial{text: text, said: &atomic.Bool{}}
		rest := strings.ToLower(text)
		rest, d.allow = strings.CutPrefix(rest, "!")
		if strings.HasPrefix(rest, "/") {
			d.dir, rest = path.Split(rest)
		}
		if end, ok := strings.CutPrefix(rest, "*"); ok {
			d.end = end
		} else {
			d.name = rest
		}
		if d.dir == "" && d.name == "" && d.end == "" || strings.ContainsAny(d.dir+d.name+d.end, "*?") || strings.Contains(d.name+d.end, "/") {
			return nil, fmt.Errorf("%q is not an entry of http.deny", text)
		}
		all = append(all, d)
	}
	return all, nil
}

// matches reports whether the entry is about a file, by its path below the root in lower case.
func (d *denial) matches(file string) bool {
	if d.dir != "" {
		if d.name != "" {
			return file == d.dir+d.name
		}
		return strings.HasPrefix(file, d.dir) && strings.HasSuffix(file, d.end)
	}
	base := file[strings.LastIndexByte(file, '/')+1:]
	if d.name != "" {
		return base == d.name
	}
	return strings.HasSuffix(base, d.end)
}

// withholds reports whether http.deny keeps a file from being sent. The last entry about it decides. remark is Target.Remark.
func (s *Site) withholds(file string) (withheld bool, remark string) {
	file = strings.ToLower(file)
	var by *denial
	for i := range s.denials {
		if s.denials[i].matches(file) {
			by = &s.denials[i]
		}
	}
	if by == nil || by.allow {
		return false, ""
	}
	switch {
	case s.log == nil:
		return true, by.text
	case !by.said.Swap(true):
		s.log(zlog.Notice, "%s is not sent, because of %q in http.deny", s.root+file, by.text)
	}
	return true, ""
}
