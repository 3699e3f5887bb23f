package handover_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/test/serve"
)

// clean is an outcome without what tells one program or run from another.
func clean(o outcome) string {
	return strings.ReplaceAll(varying.ReplaceAllString(o.String(), ""), filepath.Base(stock), "php-cgi")
}

// same compares stock php-cgi, phpsapi and phpsapi that starts Go, and returns what came of the request. Without asStock only the latter
// two are compared.
func (s *site) same(r request, asStock bool) string {
	s.t.Helper()
	got := clean(s.run(ours(), "", r))
	if asStock {
		if want := clean(s.run(stock, "", r)); got != want {
			s.t.Fatalf("the ordinary way:\n%.2000s\nstock php-cgi:\n%.2000s", got, want)
		}
	}
	r.env = append(r.env[:len(r.env):len(r.env)], "PHPSAPI_START=go")
	if withGo := clean(s.run(ours(), "", r)); withGo != got {
		s.t.Fatalf("with Go:\n%.2000s\nthe ordinary way:\n%.2000s", withGo, got)
	}
	return got
}

// Settings decide about a request, and options name settings. There are too many of them for zygotes, of which a resident keeps four.
func TestSameBySettings(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	vars := s.script("vars.php", dump)
	hello := s.script("hello.php", `echo "Hello, world\n";`)
	status := s.script("status.php", `http_response_code(404); header('X-A: 1'); echo 'gone';`)
	line := s.script("line.php", `header('HTTP/1.1 404 Gone Fishing'); header('Status: 410 Mine'); echo 'x';`)
	named := s.script("named.php", `header('Status: 503 Busy'); header('status: 504 Twice', false); echo 'x';`)
	long := s.script("long.php", `header('HTTP/1.1 400 ' . str_repeat('x', 2000)); echo 'x';`)
	loaded := s.script("loaded.php", `echo json_encode([php_ini_loaded_file(), php_ini_scanned_files(), get_cfg_var('cfg_file_path'), ini_get('precision'),
		PHP_CONFIG_FILE_PATH, PHP_CONFIG_FILE_SCAN_DIR, getenv('PHP_INI_SCAN_DIR'), PHP_VERSION, PHP_SAPI, function_exists('dl'), ini_get_all(null, false)]);`)
	for _, dir := range []string{"ini", "scan", "home/public_html", "user"} {
		if err := os.MkdirAll(s.path(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.write("ini/php.ini", "precision=7\n")
	s.write("ini/php-cgi-fcgi.ini", "precision=8\n")
	s.write("other.ini", "precision=9\n")
	s.write("scan/a.ini", "precision=10\n")
	s.write("home/public_html/own.php", "<?php echo __FILE__;")
	s.write("user/.own.ini", "precision=11\nauto_append_file=../vars.php\nmemory_limit=77M\n")
	s.script("user/x.php", `echo ini_get('precision'), ini_get('memory_limit'), "\n";`)
	option := func(settings ...string) (args []string) {
		for _, setting := range settings {
			args = append(args, "-d", setting)
		}
		return args
	}
	info := []string{"PATH_INFO=/vars.php/more", "PATH_TRANSLATED=" + s.path("vars.php")}
	redirected := []string{"REDIRECT_URL=/vars.php/more", "PATH_TRANSLATED=" + vars + "/more", "PATH_INFO=/vars.php/more"}
	for name, r := range map[string]request{
		"rfc2616":                             {script: status, args: option("cgi.rfc2616_headers=1")},
		"rfc2616, a line":                     {script: line, args: option("cgi.rfc2616_headers=1")},
		"rfc2616, a long line":                {script: long, args: option("cgi.rfc2616_headers=1")},
		"rfc2616, nph":                        {script: vars, args: option("cgi.rfc2616_headers=1", "cgi.nph=1")},
		"rfc2616, nph, a line":                {script: line, args: option("cgi.rfc2616_headers=1", "cgi.nph=1")},
		"nph":                                 {script: vars, args: option("cgi.nph=1")},
		"nph, a status":                       {script: status, args: option("cgi.nph=1")},
		"nph, a header":                       {script: named, args: option("cgi.nph=1")},
		"nph, a line":                         {script: line, args: option("cgi.nph=1")},
		"no fix_pathinfo":                     {script: vars, env: info, args: option("cgi.fix_pathinfo=0")},
		"no fix_pathinfo, path":               {script: vars + "/more", args: option("cgi.fix_pathinfo=0")},
		"discard_path":                        {script: vars, env: info, args: option("cgi.fix_pathinfo=0", "cgi.discard_path=1")},
		"discard_path, redirect":              {script: "/usr/lib/cgi-bin/php-cgi", env: redirected, args: option("cgi.fix_pathinfo=0", "cgi.discard_path=1")},
		"no fix_pathinfo, Action":             {script: "/usr/lib/cgi-bin/php-cgi", env: redirected, args: option("cgi.fix_pathinfo=0")},
		"no force_redirect":                   {script: vars, shell: "unset REDIRECT_STATUS", args: option("cgi.force_redirect=0")},
		"redirect_status_env":                 {script: vars, env: []string{"OWN="}, shell: "unset REDIRECT_STATUS", args: option("cgi.redirect_status_env=OWN")},
		"redirect_status_env that is not set": {script: vars, args: option("cgi.redirect_status_env=OWN")},
		"redirect_status_env that is empty":   {script: vars, args: option("cgi.redirect_status_env=")},
		"no check_shebang_line":               {script: s.write("shebang.php", "#!/usr/bin/php-cgi\n<?php echo __LINE__;"), args: option("cgi.check_shebang_line=0")},
		"doc_root":                            {script: vars, args: option("doc_root=" + s.dir)},
		"doc_root that is none":               {script: vars, args: option("doc_root=/none")},
		"doc_root for DOCUMENT_ROOT":          {script: vars + "/more", shell: "unset DOCUMENT_ROOT", args: option("doc_root=" + s.dir)},
		"doc_root for a missing script":       {script: s.path("none.php"), env: []string{"PATH_INFO=/vars.php"}, args: option("doc_root=" + s.dir)},
		"user_dir":                            {script: s.path("none.php"), env: []string{"PATH_INFO=/~root/own.php"}, args: option("user_dir=public_html", "cgi.fix_pathinfo=0")},
		"open_basedir":                        {script: vars, args: option("open_basedir=/none")},
		"open_basedir, fix_pathinfo":          {script: vars + "/more", args: option("open_basedir=" + s.path("ini"))},
		"user_ini.filename":                   {script: s.path("user/x.php"), args: option("user_ini.filename=.own.ini")},
		"no user_ini":                         {script: s.path("user/x.php"), args: option("user_ini.filename=")},
		"auto_prepend_file":                   {script: vars, args: option("auto_prepend_file=" + s.path("loaded.php"))},
		"output_buffering":                    {script: vars, args: option("output_buffering=100000")},
		"compression":                         {script: hello, env: []string{"HTTP_ACCEPT_ENCODING=gzip"}, args: option("zlib.output_compression=1")},
		"variables_order":                     {script: vars, args: option("variables_order=EGPCS", "auto_globals_jit=0")},
		"no type":                             {script: vars, args: option("default_mimetype=", "expose_php=1")},
		"errors to a file":                    {script: s.script("logs.php", `error_log('logged'); missing();`), args: option("error_log="+s.path("log"), "display_errors=0")},
		"errors to standard error":            {script: s.script("said.php", `error_log('said'); trigger_error('told'); throw new Exception('thrown');`), args: option("error_log=", "log_errors=1")},
		"post_max_size":                       {script: vars, body: "x=1&y=2", args: option("post_max_size=2"), env: []string{"REQUEST_METHOD=POST", "CONTENT_LENGTH=7", "CONTENT_TYPE=application/x-www-form-urlencoded"}},
		"an extension that is missing":        {script: vars, args: option("extension=none", "display_startup_errors=1")},
		"a preload that fails":                {script: vars, args: option("opcache.preload=/none.php", "opcache.preload_user=root")},
		"max_execution_time":                  {script: s.script("loop.php", `set_time_limit(1); while (true);`), args: option("display_errors=1", "html_errors=0")},
		"memory_limit":                        {script: s.script("memory.php", `str_repeat('x', 99000000);`), args: option("memory_limit=2M", "display_errors=1")},
		"disable_functions":                   {script: vars, args: option("disable_functions=json_encode")},
		"PHP_FCGI_CHILDREN":                   {script: vars, env: []string{"PHP_FCGI_CHILDREN=2"}},
		"php.ini":                             {script: loaded},
		"-n":                                  {script: loaded, args: []string{"-n"}},
		"-c directory":                        {script: loaded, args: []string{"-c", s.path("ini")}},
		"-c file":                             {script: loaded, args: []string{"-c", s.path("other.ini")}},
		"-c relative":                         {script: loaded, args: []string{"-cini"}},
		"-c and -n":                           {script: loaded, args: []string{"-n", "-c", s.path("ini")}},
		"-c none":                             {script: loaded, args: []string{"-c", "/none"}},
		"-nd":                                 {script: loaded, args: []string{"-nd", "precision=3", "-d", "error_reporting=E_ALL&~E_NOTICE"}},
		"-d without a value":                  {script: loaded, args: []string{"-d", "html_errors", "-dprecision=", "-d=memory_limit=66M"}},
		"PHPRC":                               {script: loaded, env: []string{"PHPRC=" + s.path("ini")}},
		"PHPRC that is a file":                {script: loaded, env: []string{"PHPRC=" + s.path("other.ini")}},
		"PHPRC that is none":                  {script: loaded, env: []string{"PHPRC=/none"}},
		"PHP_INI_SCAN_DIR":                    {script: loaded, env: []string{"PHP_INI_SCAN_DIR=:" + s.path("scan")}},
		"no PHP_INI_SCAN_DIR":                 {script: loaded, env: []string{"PHP_INI_SCAN_DIR="}},
		"php.ini in the current directory":    {script: loaded, shell: "cd ini"},
		"an option that is not known":         {script: vars, args: []string{"-Q"}},
		"an option without its argument":      {script: vars, args: []string{"-d"}},
		"-v":                                  {script: vars, args: []string{"-v"}},
		"-q":                                  {script: vars, args: []string{"-q"}},
		"-s":                                  {script: vars, args: []string{"-s"}},
		"-- and words":                        {script: vars, args: []string{"--", "-n", "x"}},
		"words":                               {script: vars, args: []string{"a", "-n"}, env: []string{"QUERY_STRING=a=b"}},
		"options and words":                   {script: loaded, args: []string{"-n", "a", "-d", "precision=4"}, env: []string{"QUERY_STRING=a=b"}},
		"a query of -n":                       {script: loaded, args: []string{"-n"}, env: []string{"QUERY_STRING=-n"}},
		"a query of words, and -n":            {script: loaded, args: []string{"-n"}, env: []string{"QUERY_STRING=words"}},
		"an empty query, and -n":              {script: loaded, args: []string{"-n"}, env: []string{"QUERY_STRING="}},
	} {
		t.Run(name, func(t *testing.T) { (&site{t, s.dir}).same(r, true) })
	}
}

// Whatever cannot be had is Go's to say.
func TestRefusalsAreGos(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	hello := s.script("hello.php", `echo "Hello, world\n";`)
	for name, r := range map[string]request{
		"no engine":          {script: hello, env: []string{"PHPSAPI_ENGINE=/none.so"}},
		"another library":    {script: hello, env: []string{"PHPSAPI_ENGINE=libm.so.6"}},
		"another version":    {script: hello, env: []string{"PHPSAPI_ENGINE=7.4"}},
		"no version":         {script: hello, env: []string{"PHPSAPI_ENGINE=8"}},
		"a directory":        {script: hello, env: []string{"PHPSAPI_ENGINE=/"}},
		"no address space":   {script: hello, shell: "ulimit -v 110000"},
		"no data":            {script: hello, shell: "ulimit -d 40000"},
		"an option alone":    {script: hello, args: []string{"-c"}},
		"an engine's option": {script: hello, args: []string{"--engine", "7.4"}},
	} {
		t.Run(name, func(t *testing.T) {
			if said := (&site{t, s.dir}).same(r, false); strings.Contains(said, "Hello") || strings.HasSuffix(said, "exit status 0") {
				t.Errorf("it was answered: %s", said)
			}
		})
	}
}

// A report on the way in which its process came to run PHP: the C library has caught signal 33 since the first thread was made, and that
// alone stays of Go.
const way = `<?php echo preg_match('/SigCgt:\s+\w*[13579bdf]\w{8}$/m', file_get_contents('/proc/self/status')) ? 'with Go' : 'without Go';`

// Go costs as much as a tenth of a request.
func TestOrdinaryRequestsStartNoGo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	script := s.write("way.php", way)
	library := serve.Stock().Libphp
	os.Symlink(ours(), s.path("php-cgi"+serve.Stock().Version))
	for name, c := range map[string]struct {
		request
		program string
		without bool
	}{
		"a request":                {request{script: script}, ours(), true},
		"a path":                   {request{script: script + "/more", env: []string{"PATH_INFO=/more"}}, ours(), true},
		"no PATH":                  {request{script: script, shell: "unset PATH"}, ours(), true},
		"settings":                 {request{script: script, args: []string{"-n", "-d", "precision=3", "-c", "/none"}}, ours(), true},
		"the script as a word":     {request{script: script, args: []string{script}}, ours(), true},
		"a query of words":         {request{script: script, args: []string{"a", "b"}, env: []string{"QUERY_STRING=a+b"}}, ours(), true},
		"a name with a version":    {request{script: script}, s.path("php-cgi" + serve.Stock().Version), true},
		"an engine's version":      {request{script: script, env: []string{"PHPSAPI_ENGINE=" + serve.Stock().Version}}, ours(), true},
		"an engine":                {request{script: script, env: []string{"PHPSAPI_ENGINE=" + library}}, ours(), true},
		"phpsapi":                  {request{script: script, args: []string{"cgi"}}, filepath.Join(binaries, "phpsapi"), true},
		"phpsapi with a word":      {request{script: script, args: []string{"cgi", script}}, filepath.Join(binaries, "phpsapi"), true},
		"Go":                       {request{script: script, env: []string{"PHPSAPI_START=go"}}, ours(), false},
		"a zygote that is none":    {request{script: script, env: []string{"PHPSAPI_CGI_ZYGOTE=/none/sock"}}, ours(), false},
		"other options":            {request{script: script, args: []string{"-C"}}, ours(), false},
		"a query that is -n":       {request{script: script, args: []string{"-n"}, env: []string{"QUERY_STRING=-n"}}, ours(), false},
		"a query that may be -n":   {request{script: script, args: []string{"-n"}, env: []string{"QUERY_STRING=%2dn"}}, ours(), false},
		"an option for the engine": {request{script: script, args: []string{"--engine", serve.Stock().Version}}, ours(), false},
	} {
		want := "with Go"
		if c.without {
			want = "without Go"
		}
		if got := s.run(c.program, "", c.request); !strings.HasSuffix(got.out, "\r\n\r\n"+want) {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}
