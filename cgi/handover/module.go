package handover

import (
	"fmt"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/sapi"
)

// Role is what the payload of a worker says if that worker is to write a Report to its first descriptor, and to end.
const Role = "cgi-report"

// Report says which files a started module has: PHP may only be kept started as long as they are the same.
type Report struct {
	// INIDir and ScanDir are where php.ini and further files were looked for: a libphp that is not the distribution's has
	// places of its own.
	INIDir, ScanDir string
	Maps            []string // the files that are mapped in its processes: the executable, libphp, extensions
}

// mapsPause is how often the mapped files are looked at.
const mapsPause = time.Second

// module is a zygote and what it has started. What is below mu belongs to Resident.mu.
type module struct {
	key    string
	sapi   sapi.Module
	engine string
	env    Environment // the zygote's own

	// mu:
	state  moduleState
	launch           // zero while it starts
	looked time.Time // at maps
	retry  time.Time // when an unfit module is tried again; zero for never
	busy   int       // requests that are being answered
	used   time.Time
}

type moduleState int

const (
	starting moduleState = iota
	ready
	unfit   // it could not be started, or prints something when it starts: each client answers itself
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

// matches reports whether a call starts this very module: the .ini files may refer to any variable. Until the module is
// started nobody knows which. The caller holds Resident.mu.
func (m *module) matches(key string, env Environment) bool {
	if m.key != key || m.state == retired {
		return false
	}
	for _, r := range m.references {
		if value, _ := env.Lookup(r.name); value != r.value {
			return false
		}
	}
	return true
}

// changed reports whether the module would be another if it were started now.
func (m *module) changed(now time.Time) bool {
	if m.ini.changed() || !m.retry.IsZero() && now.After(m.retry) {
		return true
	}
	if now.Sub(m.looked) < mapsPause {
		return false
	}
	m.looked = now
	return m.maps.changed()
}
