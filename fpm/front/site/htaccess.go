package site

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/fpm/permission"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// ruling is what .htaccess files decide about a directory.
type ruling int

const (
	neutral ruling = iota
	denied
	granted
)

// access remembers what the .htaccess files of a site say. Applications are made for Apache and keep databases and the
// like below the root, closed by "Require all denied". That, for whole directories, is all that counts of these files;
// what else one says is logged once.
type access struct {
	root   string
	log    Log              // nil: remarks are returned in place of messages
	reader *permission.User // a .htaccess that this user may not read counts as unreadable; nil: this process's user
	said   *saidOnce

	mu   sync.RWMutex
	seen map[string]remembered // by the directory's path below root, with the slash at its end
}

// remembered is the ruling of a directory's own .htaccess, from when it was looked at last.
type remembered struct {
	ruling
	remark string // see Target.Remark
	file   fileStamp
	until  time.Time
}

// fileStamp tells a file from another, or from an earlier state of itself; the zero value is not a file.
type fileStamp struct {
	inode    uint64
	size     int64
	modified time.Time
}

// accessInterval is how long a directory's ruling may be out of date, mostRemembered how many are kept.
const (
	accessInterval = time.Second
	mostRemembered = 4096
)

// maxHtaccess is how much of a file is read, in bytes.
const maxHtaccess = 64 << 10

// denies reports whether a file or script, by its path below the root, is denied. The last directory on its way that says
// something decides. remark is Target.Remark.
func (a *access) denies(path string) (is bool, remark string) {
	if a == nil {
		return false, ""
	}
	now, last := time.Now(), neutral
	for i := 0; i < len(path); i++ {
		if path[i] != '/' {
			continue
		}
		r := a.of(path[:i+1], now)
		if r.ruling != neutral {
			last = r.ruling
		}
		if r.remark != "" {
			remark = r.remark
		}
	}
	return last == denied, remark
}

func (a *access) of(dir string, now time.Time) remembered {
	a.mu.RLock()
	r, ok := a.seen[dir]
	a.mu.RUnlock()
	if ok && now.Before(r.until) {
		return r
	}
	name := a.root + dir + ".htaccess"
	var is fileStamp
	info, err := os.Stat(name)
	if err == nil {
		is = fileStamp{info.Sys().(*syscall.Stat_t).Ino, info.Size(), info.ModTime()}
	}
	if !ok || is != r.file {
		r = remembered{file: is}
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		case err != nil:
			r.ruling = denied // as Apache does: nobody knows what it says
		case !a.mayRead(name, info):
			r.ruling, r.remark = denied, a.sayUnread(name, fs.ErrPermission)
		default:
			r.ruling, r.remark = a.read(name)
		}
	}
	r.until = now.Add(accessInterval)
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.seen) >= mostRemembered {
		clear(a.seen)
	}
	a.seen[strings.Clone(dir)] = r
	return r
}

// mayRead reports whether the reader may read a file.
func (a *access) mayRead(name string, info os.FileInfo) bool {
	if a.reader == nil {
		return true
	}
	st, acl := info.Sys().(*syscall.Stat_t), []byte(nil)
	real, err := filepath.EvalSymlinks(name)
	if err == nil {
		acl, err = permission.ACL(real)
	}
	return err == nil && a.reader.May(permission.File{UID: st.Uid, GID: st.Gid, Mode: st.Mode, ACL: acl}, permission.Read)
}

// read reads a .htaccess.
func (a *access) read(name string) (r ruling, remark string) {
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return denied, a.sayUnread(name, err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxHtaccess))
	if err != nil {
		return denied, ""
	}
	r, others := parseHtaccess(string(text))
	if len(others) > 0 {
		shown := strings.Join(others[:min(len(others), 5)], ", ")
		remark = a.say(name, "%s: only a denial of the whole directory counts here, other directives do nothing: %s", name, shown)
	}
	return r, remark
}

func (a *access) sayUnread(name string, why error) (remark string) {
	return a.say(name, "%s cannot be read, and so what is in and below its directory is not sent: %v", name, why)
}

// say logs a message about a file, once. If there is no log it returns a remark.
func (a *access) say(name, format string, args ...any) (remark string) {
	return a.said.say(a.log, name, format, args...)
}

// saidOnce are names about which something was logged.
type saidOnce struct {
	mu    sync.Mutex
	names map[string]bool
}

// say logs a message about a name, if there was none. If there is no log it returns a remark.
func (s *saidOnce) say(log Log, name, format string, args ...any) (remark string) {
	if log == nil {
		return name
	}
	if s.first(name) {
		log(zlog.Notice, format, args...)
	}
	return ""
}

// first reports whether a name is new. It forgets none, and takes no more when it has many.
func (s *saidOnce) first(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.names[name] || len(s.names) >= mostRemembered {
		return false
	}
	if s.names == nil {
		s.names = map[string]bool{}
	}
	s.names[name] = true
	return true
}

// rules are what a .htaccess says about access.
type rules struct {
	requireDenied, requireGranted bool // of Apache 2.4
	order                         string
	denyAll, allowAll, allowSome  bool // of Apache 2.2, still widely used
	others                        []string
}

// parseHtaccess returns what a text decides for its whole directory, and the directives that do nothing here.
func parseHtaccess(text string) (ruling, []string) {
	var r rules
	skip := 0 // sections that are about some files, methods or clients
	text = strings.NewReplacer("\\\r\n", " ", "\\\n", " ").Replace(text)
	for line := range strings.Lines(text) {
		words := strings.Fields(strings.ToLower(line))
		switch {
		case len(words) == 0 || words[0][0] == '#':
		case strings.HasPrefix(words[0], "</"):
			if skip > 0 && !isTransparent(words[0][2:]) {
				skip--
			}
		case strings.HasPrefix(words[0], "<"):
			if !isTransparent(words[0][1:]) {
				skip++
				r.other(strings.TrimRight(words[0], ">") + ">")
			}
		case skip == 0:
			r.take(words)
		}
	}
	return r.ruling(), r.others
}

// isTransparent reports whether what is in a section counts as if it stood outside. A module that is asked for is taken to
// be there, and one that must not be there to be absent: files deny in both ways of Apache's.
func isTransparent(section string) bool {
	switch strings.TrimRight(section, ">") {
	case "ifmodule", "ifversion", "ifdefine", "requireall", "requireany":
		return true
	}
	return false
}

// take takes a directive, in lower case.
func (r *rules) take(words []string) {
	arguments := strings.Join(words[1:], " ")
	switch words[0] {
	case "require":
		switch arguments {
		case "all denied":
			r.requireDenied = true
		case "all granted":
			r.requireGranted = true
		default: // whom it lets in cannot be told: nobody
			r.requireDenied = true
			r.other(words[0])
		}
	case "order":
		r.order = strings.ReplaceAll(arguments, " ", "")
	case "deny":
		if arguments == "from all" {
			r.denyAll = true
		} else {
			r.other(words[0])
		}
	case "allow":
		if arguments == "from all" {
			r.allowAll = true
		} else {
			r.allowSome = true
			r.other(words[0])
		}
	case "options", "allowoverride": // directories are never listed
	default:
		r.other(words[0])
	}
}

func (r *rules) other(directive string) {
	if !slices.Contains(r.others, directive) {
		r.others = append(r.others, directive)
	}
}

func (r *rules) ruling() ruling {
	switch {
	case r.requireGranted:
		return granted
	case r.requireDenied:
		return denied
	case r.order == "allow,deny" && (r.denyAll || !r.allowAll), r.order == "mutual-failure":
		return denied
	case r.allowAll:
		return granted
	case r.denyAll:
		return denied
	}
	return neutral
}
