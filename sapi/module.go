package sapi

import "slices"

// The SAPI names PHP and its extensions know. A new name would lose opcache and others, which compare it.
const (
	CLI       = "cli"
	CLIServer = "cli-server"
	CGI       = "cgi-fcgi"
	FPM       = "fpm-fcgi"
	Apache    = "apache2handler"
)

// FrontEnd returns the number of the module's name, in the order of enum engine_front_end (lifecycle/engine.h).
func (m Module) FrontEnd() int {
	return slices.Index([]string{CLI, CLIServer, CGI, FPM, Apache}, m.Name)
}

// Module is what a front end tells the engine of itself: PHP's sapi_module_struct (main/SAPI.h) in Go's words.
type Module struct {
	// Name is php_sapi_name(): CLI, CLIServer, ...
	Name string
	// PrettyName is the "Server API" of phpinfo().
	PrettyName string
	// Binary is PHP_BINARY: an absolute path that, executed with php's arguments, is php. Empty where unknown.
	Binary string
	// INI says where the settings come from.
	INI INI
	// InfoAsText makes phpinfo() plain text instead of HTML.
	InfoAsText bool
	// DL adds the function dl().
	DL bool
	// WithoutPCNTL leaves out the extension pcntl where libphp has it built in.
	WithoutPCNTL bool
	// ExtendedInfo compiles scripts with information for debuggers and profilers (php's -e).
	ExtendedInfo bool
	// WorkerMode adds the function frankenphp_handle_request(), for workers that run a worker script.
	WorkerMode bool
	// Interrupts lets requests be interrupted, and adds the class Phpsapi\RequestTimeout.
	Interrupts bool
}

// ForApache returns the module as Apache's httpd has it with that PHP: its names, and its places of php.ini.
func (m Module) ForApache(php PHPVersion, getenv func(string) (string, bool)) Module {
	source := INISource{Version: php.Minor(), Package: "apache2", Ignore: m.INI.Ignore, Binary: m.Binary, SearchCWD: true, Getenv: getenv}
	if !m.INI.Search {
		source.Override = m.INI.Path
	}
	entries, defaults := m.INI.Entries, m.INI.Defaults
	m.Name, m.PrettyName, m.INI = Apache, "Apache 2.0 Handler", source.Locate()
	if php.AtLeast(8, 4) {
		m.PrettyName = "Apache 2 Handler"
	}
	m.INI.Entries, m.INI.Defaults = entries, defaults
	return m
}
