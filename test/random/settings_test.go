package random_test

import (
	"fmt"
	"strings"
)

// settings are how the servers of a round are configured.
type settings struct {
	program string // php-fpm or php-cgi
	global  []string
	pool    []string
	ini     []string
}

func (s settings) String() string {
	return fmt.Sprintf("%s; global: %s; pool: %s; php.ini: %s", s.program, strings.Join(s.global, "; "), strings.Join(s.pool, "; "), strings.Join(s.ini, "; "))
}

// choices are settings of php.ini, and values that change what a request does. fastcgi.error_header is none of them: php-fpm adds it
// to its own pages, too, if the script before them in the same worker ended in an error; phpsapi does not.
var choices = []struct {
	name   string
	values []string
}{
	{"display_errors", []string{"0", "1", "1", "stderr"}},
	{"log_errors", []string{"0", "1"}},
	{"html_errors", []string{"0", "1"}},
	{"error_reporting", []string{"0", "E_ALL", "E_ALL & ~E_WARNING"}},
	{"error_prepend_string", []string{"<b>", "before "}},
	{"error_append_string", []string{"</b>"}},
	{"output_buffering", []string{"0", "1", "16", "4096", "100000"}},
	{"implicit_flush", []string{"0", "1"}},
	{"expose_php", []string{"0", "1"}},
	{"default_mimetype", []string{"", "text/plain", "application/json"}},
	{"default_charset", []string{"", "iso-8859-1"}},
	{"variables_order", []string{"", "EGPCS", "GPC", "S", "PG"}},
	{"request_order", []string{"", "PG", "C"}},
	{"register_argc_argv", []string{"0", "1"}},
	{"auto_globals_jit", []string{"0", "1"}},
	{"max_input_vars", []string{"1", "5", "1000"}},
	{"max_input_nesting_level", []string{"1", "64"}},
	{"post_max_size", []string{"0", "1", "100", "5000", "8M"}},
	{"upload_max_filesize", []string{"1", "2M"}},
	{"file_uploads", []string{"0", "1"}},
	{"max_file_uploads", []string{"0", "1"}},
	{"enable_post_data_reading", []string{"0", "1"}},
	{"cgi.fix_pathinfo", []string{"0", "1"}},
	{"cgi.nph", []string{"0", "1"}},
	{"cgi.rfc2616_headers", []string{"0", "1"}},
	{"fastcgi.logging", []string{"0", "1"}},
	{"memory_limit", []string{"4M", "128M"}},
	{"short_open_tag", []string{"0", "1"}},
	{"arg_separator.input", []string{";&", "-"}},
	{"user_ini.filename", []string{"", ".user.ini"}},
	{"ignore_repeated_errors", []string{"1"}},
	{"log_errors_max_len", []string{"0", "10", "1024"}},
	{"ignore_user_abort", []string{"1"}},
	{"open_basedir", []string{"/", "/nowhere"}},
	{"zlib.output_compression", []string{"1", "4096"}},
	{"report_memleaks", []string{"0"}},
	{"serialize_precision", []string{"5"}},
	{"session.auto_start", []string{"0"}},
}

// cgiChoices are those of php-cgi alone.
var cgiChoices = []struct {
	name   string
	values []string
}{
	{"cgi.discard_path", []string{"1"}},
	{"cgi.check_shebang_line", []string{"0", "1"}},
	{"cgi.force_redirect", []string{"0", "1"}},
	{"doc_root", []string{"/", "/nowhere"}},
}

func (g generator) settings() settings {
	s := settings{program: "php-fpm"}
	if g.one(4) {
		s.program = "php-cgi"
	}
	all := choices
	if s.program == "php-cgi" {
		all = append(all[:len(all):len(all)], cgiChoices...)
	}
	often := pick(g, 3, 8, 20)
	for _, c := range all {
		if g.one(often) {
			s.ini = append(s.ini, c.name+"="+pick(g, c.values...))
		}
	}
	if s.program == "php-cgi" {
		return s
	}
	s.global = append(s.global, "log_level = "+pick(g, "notice", "notice", "warning", "error"))
	if g.one(2) {
		s.global = append(s.global, fmt.Sprint("log_limit = ", 512+g.IntN(4000)), "log_buffering = "+pick(g, "yes", "no"))
	}
	maybe := func(often int, line string) {
		if g.one(often) {
			s.pool = append(s.pool, line)
		}
	}
	if g.one(2) {
		s.pool = append(s.pool, "access.log = DIR/access.log", `access.format = "`+g.accessFormat()+`"`)
	}
	maybe(3, "access.suppress_path[] = /ping")
	maybe(3, "catch_workers_output = yes")
	maybe(3, "ping.path = /ping")
	maybe(4, "ping.response = "+pick(g, "pong", "here"))
	maybe(3, "clear_env = no")
	maybe(3, "env[FROM_POOL] = value")
	maybe(4, "security.limit_extensions = "+pick(g, "", ".php .txt", ".txt", ".php"))
	maybe(4, "php_admin_value[error_log] = DIR/php.log")
	maybe(4, "php_admin_flag[log_errors] = "+pick(g, "on", "off"))
	maybe(4, "php_flag[display_errors] = "+pick(g, "on", "off"))
	maybe(6, "php_admin_value[memory_limit] = 32M")
	maybe(6, "php_admin_value[disable_functions] = phpinfo,header")
	maybe(6, "php_value[auto_prepend_file] = "+g.dir+"/"+pick(g, "prepended.inc", "none.inc"))
	return s
}

// accessFormat is an access.format without what differs from run to run.
func (g generator) accessFormat() string {
	var b strings.Builder
	for range 1 + g.IntN(8) {
		b.WriteString(pick(g, "%R", "%m", "%r", "%q", "%Q%q", "%s", "%f", "%l", "%n", "%u", "%%", " ", " - ", "%{REQUEST_URI}e", "%{HTTP_USER_AGENT}e",
			"%{HTTP_COOKIE}e", "%{NONE}e", "%{CONTENT_TYPE}e", "%{Content-type}o", "%{X-Powered-By}o", "%{Location}o", strings.Repeat("x", g.IntN(300))))
	}
	return b.String()
}
