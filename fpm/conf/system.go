package conf

import (
	"io"
	"io/fs"
	"os"
	"os/user"
	"strconv"

	"github.com/phpsapi/phpsapi/fpm/logfile"
)

// A System is what Load needs of the machine. The zero System is the real one;
// a function that is set replaces it.
type System struct {
	Open    func(name string) (io.ReadCloser, error)
	Stat    func(name string) (fs.FileInfo, error)
	Lstat   func(name string) (fs.FileInfo, error)
	ReadDir func(name string) ([]string, error) // the names in a directory

	Getenv  func(name string) (string, bool)
	Getuid  func() int
	Geteuid func() int

	UserByName  func(name string) (User, error)
	UserByID    func(uid int) (User, error)
	GroupByName func(name string) (gid int, err error)

	// OpenErrorLog is called when [global] is settled and before the pools
	// are checked. php-fpm opens its error_log there and applies log_level,
	// log_limit and log_buffering; lines after that go to the log as well.
	// By default OpenLog is called, unless the log is syslog.
	OpenErrorLog func(*Global) error
	// OpenLog tries to open an access log or slow log for appending. By
	// default it does so, creates the file if need be, and closes it.
	OpenLog func(path string) error
}

// User is an entry of the password database.
type User struct {
	Name, Home string
	UID, GID   int
}

// complete fills in what is not replaced.
func (s System) complete() System {
	if s.Open == nil {
		s.Open = func(name string) (io.ReadCloser, error) { return os.Open(name) }
	}
	if s.Stat == nil {
		s.Stat = os.Stat
	}
	if s.Lstat == nil {
		s.Lstat = os.Lstat
	}
	if s.ReadDir == nil {
		s.ReadDir = readDir
	}
	if s.Getenv == nil {
		s.Getenv = os.LookupEnv
	}
	if s.Getuid == nil {
		s.Getuid = os.Getuid
	}
	if s.Geteuid == nil {
		s.Geteuid = os.Geteuid
	}
	if s.UserByName == nil {
		s.UserByName = userByName
	}
	if s.UserByID == nil {
		s.UserByID = userByID
	}
	if s.GroupByName == nil {
		s.GroupByName = groupByName
	}
	if s.OpenLog == nil {
		s.OpenLog = logfile.Check
	}
	if s.OpenErrorLog == nil {
		open := s.OpenLog
		s.OpenErrorLog = func(g *Global) error {
			if g.Syslog() {
				return nil
			}
			return open(g.ErrorLog.Value)
		}
	}
	return s
}

func readDir(name string) ([]string, error) {
	d, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}

func userByName(name string) (User, error) {
	u, err := user.Lookup(name)
	return newUser(u), err
}

func userByID(uid int) (User, error) {
	u, err := user.LookupId(strconv.Itoa(uid))
	return newUser(u), err
}

func newUser(u *user.User) User {
	if u == nil {
		return User{}
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	return User{Name: u.Username, Home: u.HomeDir, UID: uid, GID: gid}
}

func groupByName(name string) (int, error) {
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(g.Gid)
}

func (s *System) isDir(path string) bool {
	info, err := s.Stat(path)
	return err == nil && info.IsDir()
}
