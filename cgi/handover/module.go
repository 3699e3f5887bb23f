package handover

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/lifecycle/zygote"
	"github.com/phpsapi/phpsapi/sapi"
)

// Role names, in a worker's payload, the worker that reports a started module's settings: Report, on its first
// descriptor.
const Role = "cgi-settings"

// Settings are those that the way of a request depends on.
type Settings struct {
	FixPathInfo, DiscardPath bool   // cgi.fix_pathinfo, cgi.discard_path
	DocRoot                  string // doc_root
	ForceRedirect            bool   // cgi.force_redirect
	RedirectStatusEnv        string // cgi.redirect_status_env
	CheckShebang             bool   // cgi.check_shebang_line
}

// Report is what a started module says of itself.
type Report struct {
	Settings Settings
	Maps     []string // the files that are mapped in its processes: the executable, libphp, extensions
}

// mapsPause is how often the mapped files are looked at.
const mapsPause = time.Second

// reportTime is how long a module's report may take.
const reportTime = 10 * time.Second

// module is a zygote and what it has started. What is below mu belongs to Server.mu.
type module struct {
	key    string
	sapi   sapi.Module
	engine string
	env    Environment // the zygote's own

	names    []string // the variables that its .ini files refer to
	values   []string // and what they were
	settings Settings
	zygote   *zygote.Zygote
	reporter int // the pid of the worker that reported the settings

	// mu:
	state   moduleState
	ini     watched
	maps    watched
	looked  time.Time // at maps
	busy    int       // requests in hand
	used    time.Time
	waiting map[int]chan syscall.WaitStatus // children
	ended   map[int]syscall.WaitStatus      // those that nobody waits for yet
}

type moduleState int

const (
	starting moduleState = iota
	ready
	unfit   // it cannot be started, or says something when it is: every client is to say that itself
	retired // it serves no new requests
)

// startupVariables are the variables that libraries and extensions read when they are loaded, and libc.
var startupVariables = [...]string{"PHPRC", "PHP_INI_SCAN_DIR", "PHPSAPI_ENGINE", "TZ", "TZDIR", "TMPDIR", "LANG", "LANGUAGE",
	"HOSTALIASES", "LOCPATH", "NLSPATH", "USE_ZEND_ALLOC", "USE_ZEND_ALLOC_HUGE_PAGES", "USE_TRACKED_ALLOC", "GCONV_PATH"}

var startupPrefixes = [...]string{"LD_", "LC_", "MALLOC_", "GLIBC_", "OPENSSL_", "SSL_CERT_", "XDEBUG_", "OTEL_"}

func isStartupVariable(entry string) bool {
	for _, name := range startupVariables {
		if len(entry) > len(name) && entry[len(name)] == '=' && entry[:len(name)] == name {
			return true
		}
	}
	for _, prefix := range startupPrefixes {
		if strings.HasPrefix(entry, prefix) {
			return true
		}
	}
	return false
}

// keyOf tells modules apart: what they are told, and the variables that decide what they are.
func keyOf(m *sapi.Module, engine string, env Environment) string {
	var key strings.Builder
	fmt.Fprintf(&key, "%s\x00%s\x00%s\x00%s\x00%v\x00%s\x00%s", engine, m.Name, m.Binary, m.INI.Path, m.INI.Ignore, m.INI.ScanDir,
		m.INI.Entries)
	for _, entry := range env {
		if isStartupVariable(entry) {
			key.WriteString("\x00" + entry)
		}
	}
	return key.String()
}

// matches says whether a call starts this very module: the .ini files may refer to any variable.
func (m *module) matches(key string, env *Environment) bool {
	if m.key != key || m.state == retired {
		return false
	}
	for i, name := range m.names {
		if value, _ := env.Lookup(name); value != m.values[i] {
			return false
		}
	}
	return true
}

// changed says whether the module would be another if it were started now.
func (m *module) changed(now time.Time) bool {
	if m.ini.changed() {
		return true
	}
	if now.Sub(m.looked) < mapsPause {
		return false
	}
	m.looked = now
	return m.maps.changed()
}

// start starts the zygote. It must be called on the main goroutine, whose thread has the process's own processors. The
// error says why no request can be served by it.
func (m *module) start(program string) error {
	files := iniFiles(m.sapi.Name, m.sapi.INI.Path, m.sapi.INI.ScanDir)
	m.ini = watch(files)
	m.names = variablesIn(files)
	for _, name := range m.names {
		value, _ := m.env.Lookup(name)
		m.values = append(m.values, value)
	}
	said, err := memoryFile()
	if err != nil {
		return err
	}
	defer said.Close()
	z, err := zygote.Start(context.Background(), zygote.Config{
		Program: program, Argv: []string{"phpsapi cgi: zygote"}, Engine: m.engine, Module: m.sapi, Env: m.env,
		Stdout: said, Stderr: said,
	})
	if err != nil {
		return fmt.Errorf("%w%s", err, contents(said))
	}
	m.zygote = z
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	if err := z.Detach(null); err != nil {
		return err
	}
	if err := m.report(); err != nil {
		return err
	}
	if text := contents(said); text != "" { // detached, the zygote has written what it had kept
		return fmt.Errorf("PHP's startup is not silent:%s", text)
	}
	return nil
}

// report has a worker say what was started.
func (m *module) report() error {
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	payload, _ := json.Marshal(map[string]string{"Role": Role})
	m.reporter, err = m.zygote.Spawn(context.Background(), payload, write)
	write.Close()
	if err != nil {
		return err
	}
	read.SetReadDeadline(time.Now().Add(reportTime))
	text, err := io.ReadAll(read)
	var report Report
	if err == nil {
		err = json.Unmarshal(text, &report)
	}
	if err != nil {
		return fmt.Errorf("the module's report: %w", err)
	}
	m.settings = report.Settings
	m.maps = watch(report.Maps)
	return nil
}

// memoryFile is a file that a zygote may write to while PHP starts.
func memoryFile() (*os.File, error) {
	fd, err := unix.MemfdCreate("php startup", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("memfd_create: %w", err)
	}
	return os.NewFile(uintptr(fd), "php startup"), nil
}

// contents gives what was written, behind a newline; empty for nothing.
func contents(file *os.File) string {
	var text bytes.Buffer
	file.Seek(0, io.SeekStart)
	if _, err := text.ReadFrom(file); err != nil || text.Len() == 0 {
		return ""
	}
	return "\n" + strings.TrimSpace(text.String())
}
