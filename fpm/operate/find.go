package operate

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/phpsapi/phpsapi/fpm/control"
)

// Target says which master is meant. The first that is set counts.
type Target struct {
	Pid     int
	PidFile string
	// Locate returns the configuration's path and its pid file, empty if it names none.
	Locate func() (config, pidFile string)
	// Named says that Locate's configuration was named by the user, and masters of others are not meant.
	Named bool
}

// master is a master that was found and answers.
type master struct {
	pid    int
	client *control.Client
}

func (m *master) String() string { return fmt.Sprintf("master %d", m.pid) }

// find finds the master and connects to it.
func (t *Target) find() (*master, error) {
	switch {
	case t.Pid != 0: // any user's: it was named
		return connect(t.Pid, "")
	case t.PidFile != "":
		return fromFile(t.PidFile)
	}
	config, pidFile := t.Locate()
	var first error
	if pidFile != "" {
		m, err := fromFile(pidFile)
		if err == nil {
			return m, nil
		}
		first = err
	}
	if !t.Named {
		config = ""
	}
	return only(config, first)
}

// fromFile connects to the master that a pid file names.
func fromFile(path string) (*master, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, failed(exitUnavailable, "there is no pid file %s: the service is not running, or writes another; name it with --pid", path)
	}
	if err != nil {
		return nil, failed(exitUnavailable, "cannot read the pid file: %v", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text[:min(len(text), 20)])))
	if err != nil || pid <= 0 {
		return nil, failed(exitUnavailable, "%s does not hold a pid", path)
	}
	m, err := connect(pid, path)
	if err != nil {
		return nil, err
	}
	// The file may be stale, and its pid another process's by now.
	if user := m.client.User(); !m.trusted() && user != ownerOf(path) {
		m.client.Close()
		return nil, failed(exitUnavailable, "process %d, which %s names, belongs to user %d, and the file does not: the file is stale; "+
			"if you trust that user, use --master %d", pid, path, user, pid)
	}
	return m, nil
}

// trusted reports whether the master is this user's or root's. Another user's process can pose as a master.
func (m *master) trusted() bool {
	user := m.client.User()
	return user == 0 || user == os.Geteuid()
}

// ownerOf returns the user ID of a file's owner; -1 if it cannot be read.
func ownerOf(path string) int {
	info, err := os.Stat(path)
	if err != nil {
		return -1
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return -1
	}
	return int(stat.Uid)
}

// connect connects to the master that is process pid; file is the pid file that says so, if one does.
func connect(pid int, file string) (*master, error) {
	client, err := control.Dial(pid)
	if err == nil {
		return &master{pid, client}, nil
	}
	who, stale := fmt.Sprintf("process %d", pid), ""
	if file != "" {
		who, stale = fmt.Sprintf("process %d, which %s names,", pid, file), ": the pid file is stale"
	}
	switch {
	case errors.Is(err, control.ErrNoProcess):
		return nil, failed(exitUnavailable, "%s does not exist%s: the service is not running", who, stale)
	case errors.Is(err, control.ErrOtherNetwork):
		return nil, failed(exitUnavailable, "%s has its control socket in another network namespace: "+
			"run this command by nsenter --target %d --net, or send signals", who, pid)
	case !errors.Is(err, control.ErrNoSocket):
		return nil, failed(exitUnavailable, "%s does not answer: %v", who, err)
	}
	signals := fmt.Sprintf("signals work: kill -USR2 %d reloads, kill -QUIT %[1]d stops", pid)
	switch exe, ours := program(pid); {
	case !isMaster(pid):
		return nil, failed(exitUnavailable, "%s is not a php-fpm master%s", who, stale)
	case ours:
		return nil, failed(exitUnavailable, "%s has no control socket; its error log tells why; %s", who, signals)
	default:
		return nil, failed(exitUnavailable, "%s is stock php-fpm%s, which has no control socket; %s",
			who, exe, signals)
	}
}

// program is the file that a process executes, in brackets, and whether it is this program's; empty where that is a
// secret.
func program(pid int) (shown string, ours bool) {
	link := fmt.Sprintf("/proc/%d/exe", pid)
	exe, err := os.Readlink(link)
	if err != nil {
		return "", false
	}
	theirs, err := os.Stat(link)
	if err != nil {
		return "", false
	}
	own, err := os.Stat("/proc/self/exe")
	return " (" + plain(exe) + ")", err == nil && os.SameFile(own, theirs)
}

// masterTitle is the title of php-fpm's master. Its configuration follows, in brackets.
const masterTitle = "php-fpm: master process"

// isMaster reports whether a process calls itself php-fpm's master.
func isMaster(pid int) bool { return strings.HasPrefix(title(pid), masterTitle) }

// title is what a process calls itself, or its command line in words.
func title(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return strings.ReplaceAll(strings.TrimRight(string(text), "\x00 "), "\x00", " ")
}

// named names a master to choose among several: by its configuration, which its title has, or if it has no title yet by its command line.
func named(pid int, title string) string {
	config, has := strings.CutPrefix(title, masterTitle)
	if !has && title != "" {
		config = " (" + title + ")"
	}
	return strconv.Itoa(pid) + plain(config)
}

// only finds the one master that the user may command, of that configuration if one is given. first is why the pid
// file did not lead to it, if there is one.
func only(config string, first error) (*master, error) {
	pids, err := control.Masters()
	if err != nil {
		return nil, cmp.Or[error](first, failed(exitUnavailable, "cannot look for running masters: %v", err))
	}
	var found []*master
	var strangers []string
	for _, pid := range pids {
		m, err := connect(pid, "")
		if err != nil {
			continue
		}
		meant := m.mayBeMeant()
		if !meant && os.Geteuid() == 0 {
			strangers = append(strangers, fmt.Sprintf("%d of user %d", pid, m.client.User()))
		}
		if meant && config != "" { // a connection has one request
			meant = m.hasConfig(config)
			m.client.Close()
			if m, err = connect(pid, ""); err != nil {
				continue
			}
		}
		if !meant || !m.mayBeMeant() {
			m.client.Close()
			continue
		}
		found = append(found, m)
	}
	if len(found) == 1 {
		return found[0], nil
	}
	var which []string
	for _, m := range found {
		m.client.Close()
		which = append(which, named(m.pid, title(m.pid)))
	}
	switch {
	case len(found) > 1:
		return nil, failed(exitUnavailable, "several masters are running: %s; choose one with --master, --pid or --fpm-config",
			strings.Join(which, ", "))
	case first != nil:
		return nil, first
	case config != "":
		return nil, failed(exitUnavailable, "no service with the configuration %s is running", config)
	}
	hint := ""
	if len(strangers) > 0 {
		hint = "; processes of other users pose as masters: if you trust one, choose it with --master: " + strings.Join(strangers, ", ")
	}
	return nil, failed(exitUnavailable, "no service is running that this user may command%s", hint)
}

// mayBeMeant reports whether a master that nobody named may be the one: it must be this user's own. Root's commands
// are for root's service; another user's process would get them instead while that is down.
func (m *master) mayBeMeant() bool { return m.client.User() == os.Geteuid() }

// hasConfig asks a master whether it serves a configuration.
func (m *master) hasConfig(config string) bool {
	o := Operator{Timeout: findTimeout}
	ctx, cancel := o.context()
	defer cancel()
	a, err := m.client.Ask(ctx, control.Request{Command: control.Status}, func(control.Answer) {})
	if err != nil || a.Status == nil {
		return false
	}
	path, err := filepath.Abs(config)
	if err != nil || path == a.Status.Config {
		return err == nil
	}
	wanted, err := os.Stat(path)
	if err != nil {
		return false
	}
	theirs, err := os.Stat(a.Status.Config)
	return err == nil && os.SameFile(wanted, theirs)
}
