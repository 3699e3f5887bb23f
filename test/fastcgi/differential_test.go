package fastcgi_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
)

// pair is stock php-cgi and phpsapi, started alike, for the same scripts.
type pair struct {
	t           *testing.T
	dir         string
	stock, ours *server
}

// newPair starts both. Scripts are in a directory of their own; env and args are more for both.
func newPair(t *testing.T, contents map[string]string, env []string, args ...string) *pair {
	t.Helper()
	p := &pair{t: t, dir: files(t, contents)}
	env = append(env, "PHP_FCGI_MAX_REQUESTS=0")
	p.stock = start(t, stock, env, args...)
	p.ours = start(t, binary, env, args...)
	return p
}

// varies is what two runs of one script may print otherwise: its times.
var varies = regexp.MustCompile(`"REQUEST_TIME(_FLOAT)?": [0-9.]+`)

func (r response) comparable() string {
	r.stdout = varies.ReplaceAllString(r.stdout, "")
	return r.String()
}

// compare sends a request to both, a second time on a connection that is kept, and wants the same responses.
func (p *pair) compare(name string, r *request) {
	p.t.Helper()
	for _, keep := range []bool{false, true} {
		r.keep = keep
		want, got := p.stock.ask(r).comparable(), p.ours.ask(r).comparable()
		if got == want {
			continue
		}
		at := 0
		for at < min(len(got), len(want)) && got[at] == want[at] {
			at++
		}
		from := max(0, at-60)
		p.t.Errorf("%s (kept %v): at byte %d\nours  %.400s\nstock %.400s", name, keep, at, got[from:], want[from:])
		return
	}
}

func TestResponsesAsStock(t *testing.T) {
	scripts := map[string]string{
		"empty":               `<?php`,
		"no newline":          `x`,
		"html":                "<html>\n<?= 1 ?>\n</html>\n",
		"shebang":             "#!/usr/bin/php\n<?php echo 1;",
		"302":                 `<?php header("Location: /x");`,
		"302 body":            `<?php header("Location: /x", true, 307); echo "b";`,
		"404":                 `<?php http_response_code(404); echo "nope";`,
		"404 line":            `<?php header("HTTP/1.1 404 Gone Fishing"); echo "nope";`,
		"599":                 `<?php http_response_code(599);`,
		"418":                 `<?php http_response_code(418);`,
		"304":                 `<?php http_response_code(304); header("ETag: x"); header("Content-Type: text/plain");`,
		"204":                 `<?php http_response_code(204);`,
		"status header":       `<?php header("Status: 201 Mine"); echo 1;`,
		"status header 2":     `<?php header("Status: 201 Mine"); http_response_code(404); header("X: y"); echo 1;`,
		"status lower":        `<?php header("status: 500 Lower"); echo 1;`,
		"long status line":    `<?php header("HTTP/1.1 500 " . str_repeat("x", 3000)); echo 1;`,
		"many headers":        `<?php for ($i = 0; $i < 300; $i++) header("X-$i: " . str_repeat("v", 100)); echo "end";`,
		"large header":        `<?php header("X: " . str_repeat("v", 40000)); echo "end";`,
		"no type":             `<?php ini_set("default_mimetype", ""); echo 1;`,
		"type":                `<?php header("Content-Type: text/plain"); echo 1;`,
		"type with charset":   `<?php header("Content-Type: application/json; charset=x"); echo 1;`,
		"remove":              `<?php header_remove("X-Powered-By"); header("A: 1"); header("A: 2", false); echo 1;`,
		"cookies":             `<?php setcookie("a", "b c"); setcookie("d", "e", ["httponly" => true]); echo 1;`,
		"header callback":     `<?php header_register_callback(function () { header("X-Late: 1"); }); echo 1;`,
		"rfc2616":             `<?php ini_set("cgi.rfc2616_headers", "1"); header("HTTP/1.1 404 Gone Fishing"); echo 1;`,
		"nph":                 `<?php ini_set("cgi.nph", "1"); echo 1;`,
		"headers sent":        `<?php echo str_repeat("x", 5000); flush(); header("X: y"); var_dump(headers_sent());`,
		"flush":               `<?php echo "a"; flush(); echo "b"; flush(); echo "c";`,
		"flush nothing":       `<?php flush(); flush(); echo "c";`,
		"ob":                  `<?php ob_start(); echo "a"; ob_end_flush(); ob_start("strtoupper"); echo "b"; header("X: y");`,
		"implicit":            `<?php ob_implicit_flush(); for ($i = 0; $i < 50; $i++) echo "line $i\n";`,
		"8191":                `<?php echo str_repeat("x", 8191);`,
		"large":               `<?php echo str_repeat("0123456789abcdef", 10000);`,
		"larger":              `<?php for ($i = 0; $i < 300; $i++) echo str_repeat("0123456789abcdef", 1000);`,
		"huge":                `<?php echo str_repeat("0123456789abcdef", 200000), "!";`,
		"notice":              `<?php echo $x; echo "after";`,
		"warning, no display": `<?php ini_set("display_errors", 0); echo $x; echo "after";`,
		"two warnings":        `<?php ini_set("display_errors", 0); ini_set("log_errors", 1); echo $x; echo $y; echo "after";`,
		"fatal":               `<?php ini_set("display_errors", 0); ini_set("log_errors", 1); nope();`,
		"fatal shown":         `<?php nope();`,
		"fatal html":          `<?php ini_set("html_errors", 1); nope();`,
		"parse":               `<?php if (`,
		"throw":               `<?php throw new Exception("x");`,
		"error_log":           `<?php error_log("said"); echo "x"; error_log("again"); echo "y";`,
		"error_log first":     `<?php error_log("said");`,
		"error_log long":      `<?php error_log(str_repeat("long ", 1000)); echo "x";`,
		"error_log lines":     `<?php error_log("one\ntwo"); echo "x";`,
		"error_log empty":     `<?php error_log(""); echo "x";`,
		"error_log large":     `<?php echo str_repeat("a", 7000); flush(); echo str_repeat("b", 100); error_log("said"); echo str_repeat("c", 9000);`,
		"exit":                `<?php echo "x"; exit("bye");`,
		"exit 3":              `<?php echo "x"; exit(3);`,
		"shutdown":            `<?php register_shutdown_function(function () { echo "down"; header("X: y"); }); echo "x";`,
		"shutdown headers":    `<?php register_shutdown_function(function () { header("X: y"); http_response_code(500); });`,
		"destructor":          `<?php class A { function __destruct() { echo "gone"; } } $a = new A; echo "x";`,
		"memory":              `<?php ini_set("display_errors", 1); $x = str_repeat("x", 100 << 20);`,
		"ini all":             `<?php echo json_encode(ini_get_all("cgi-fcgi"), JSON_PRETTY_PRINT);`,
		"getenv all":          `<?php $e = getenv(); unset($e["PADDING"]); print_r($e);`,
		"putenv":              `<?php putenv("A_B=c"); var_dump(getenv("A_B"), getenv("REQUEST_METHOD"), getenv("REQUEST_METHOD", true), getenv("HOME", true));`,
		"env":                 `<?php var_dump(count($_ENV), isset($_SERVER["USER"]));`,
		"aborted":             `<?php var_dump(connection_aborted(), connection_status(), ignore_user_abort());`,
		"headers list":        `<?php header("A: b"); print_r(headers_list()); print_r(apache_request_headers()); var_dump(function_exists("apache_response_headers"));`,
		"stdin":               `<?php var_dump(defined("STDIN"), file_get_contents("php://stdin"));`,
		"output stream":       `<?php file_put_contents("php://output", "x"); $f = fopen("php://stdout", "w"); fwrite($f, "lost"); echo "y";`,
		"cwd":                 `<?php echo getcwd() === __DIR__ ? "same" : getcwd();`,
		"include":             `<?php file_put_contents(__DIR__ . "/inc.php", "<?php return 5;"); echo include "inc.php";`,
		"session":             `<?php session_save_path(__DIR__); session_id("abc"); session_start(); echo session_id(); header_remove("Expires");`,
		"loaded":              `<?php var_dump(extension_loaded("cgi-fcgi"), ini_get("display_errors"), ini_get("html_errors"), ini_get("max_execution_time"), ini_get("implicit_flush"), ini_get("register_argc_argv"), ini_get("output_buffering"));`,
		"sapi":                `<?php echo PHP_SAPI, php_sapi_name(), PHP_BINARY === "" ? "none" : "some"; foreach (["cgi.fix_pathinfo", "fastcgi.logging", "fpm.config", "cgi.force_redirect", "fastcgi.error_header", "cgi.redirect_status_env", "cgi.check_shebang_line"] as $name) var_dump(ini_get($name));`,
		"functions":           `<?php print_r(get_extension_funcs("cgi-fcgi")); foreach (get_extension_funcs("cgi-fcgi") as $name) echo new ReflectionFunction($name); var_dump(function_exists("dl"), function_exists("fastcgi_finish_request"));`,
		"phpinfo":             `<?php ob_start(); phpinfo(INFO_GENERAL); echo preg_match("~Server API.*?CGI/FastCGI~", ob_get_clean()); ob_start(); (new ReflectionExtension("cgi-fcgi"))->info(); echo ob_get_clean();`,
		"terminate argument":  `<?php apache_child_terminate(1);`,
		"response headers":    `<?php header("A: b"); header("C:d"); header("E", false); print_r(apache_response_headers());`,
		"shebang, cgi":        "#!/usr/bin/php-cgi -d x=y\n<?php echo __LINE__;",
		"log elsewhere":       `<?php ini_set("error_log", __DIR__ . "/log"); error_log("said"); echo preg_replace("/\[.*?\]/", "", file_get_contents(__DIR__ . "/log")); unlink(__DIR__ . "/log");`,
		"environment":         `<?php var_dump(getenv("FROM_OUTSIDE"), $_SERVER["FROM_OUTSIDE"] ?? null, getenv("FROM_OUTSIDE", true), count($_ENV)); ksort($_SERVER); echo json_encode(array_keys($_SERVER));`,
		"unbuffered":          `<?php while (ob_get_level()) ob_end_clean(); echo "x"; flush(); print_r(headers_list());`,
		"getopt":              `<?php var_dump($argc ?? null, $argv ?? null, $_SERVER["argv"] ?? null, getopt("b:"));`,
		"uploaded":            `<?php var_dump(is_uploaded_file(__FILE__), $_FILES);`,
	}
	contents := map[string]string{}
	file := func(name string) string { return strings.NewReplacer(" ", "-", ",", "").Replace(name) + ".php" }
	for name, text := range scripts {
		contents[file(name)] = text
	}
	p := newPair(t, contents, nil, "-d", "memory_limit=64M")
	for name := range scripts {
		r := get(filepath.Join(p.dir, file(name)))
		p.compare(name, r)
		p.compare(name+", head", &request{params: append(r.params, "REQUEST_METHOD", "HEAD")})
	}
}

// show prints what a script learns of its request.
const show = `<?php
echo json_encode([$_SERVER, $_GET, $_POST, $_COOKIE, getenv("SCRIPT_NAME"), getenv("PATH_INFO"), getenv("PATH"), getenv(),
	getallheaders(), file_get_contents("php://input"), getcwd()], JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES), "\n";`

func TestRequestsAsStock(t *testing.T) {
	for name, args := range map[string][]string{
		"defaults":        nil,
		"no fix_pathinfo": {"-d", "cgi.fix_pathinfo=0"},
		"discard_path":    {"-d", "cgi.fix_pathinfo=0", "-d", "cgi.discard_path=1"},
		"E":               {"-d", "variables_order=EGPCS"},
		"no jit":          {"-d", "variables_order=EGPCS", "-d", "auto_globals_jit=0", "-d", "register_argc_argv=1"},
		"no order":        {"-d", "variables_order="},
		"nph":             {"-d", "cgi.nph=1"},
		"no logging":      {"-d", "fastcgi.logging=0"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, map[string]string{"show.php": show, "sub dir/show.php": show, "#x": "", "forbidden.php": show}, nil, args...)
			for name, r := range requests(p.dir) {
				p.compare(name, r)
			}
		})
	}
}

func TestHighlightedSourceAsStock(t *testing.T) {
	p := newPair(t, map[string]string{"x.php": "<?php\n// a comment\necho 'x' . 1; ?>\n<b>text</b>\n"}, nil, "-s")
	for range 2 {
		p.compare("-s", get(p.dir+"/x.php"))
	}
	if got := p.ours.ask(get(p.dir + "/x.php")).body(); !strings.Contains(got, "<code>") {
		t.Errorf("got %q", got)
	}
}

func requests(d string) map[string]*request {
	server := func(params ...string) *request {
		base := []string{"REQUEST_METHOD", "GET", "QUERY_STRING", "a=1&b[]=2&c.d=3", "SERVER_NAME", "x", "HTTP_X_Y-z", "v",
			"HTTP_COOKIE", "k=v; l=w", "HTTP_USER_AGENT", "test", "CONTENT_TYPE", "", "CONTENT_LENGTH", ""}
		return &request{params: append(base, params...)}
	}
	return map[string]*request{
		"plain":                  server("SCRIPT_FILENAME", d+"/show.php", "SCRIPT_NAME", "/show.php"),
		"document root":          server("SCRIPT_FILENAME", d+"/show.php", "SCRIPT_NAME", "/show.php", "DOCUMENT_ROOT", d),
		"path info, nginx":       server("SCRIPT_FILENAME", d+"/show.php", "SCRIPT_NAME", "/show.php", "PATH_INFO", "/p/i", "DOCUMENT_ROOT", d),
		"path info in script":    server("SCRIPT_FILENAME", d+"/show.php/p/i", "SCRIPT_NAME", "/show.php/p/i", "DOCUMENT_ROOT", d),
		"path info all":          server("SCRIPT_FILENAME", d+"/show.php/p/i", "SCRIPT_NAME", "/cgi", "PATH_INFO", "/show.php/p/i", "DOCUMENT_ROOT", d),
		"path info all, no name": server("SCRIPT_FILENAME", d+"/show.php/p/i", "PATH_INFO", "/show.php/p/i"),
		"path info short":        server("SCRIPT_FILENAME", d+"/show.php/p/iiiiiiiiiiiiiiiiiiiiiiii", "SCRIPT_NAME", "/show.php", "PATH_INFO", "/p"),
		"path info empty":        server("SCRIPT_FILENAME", d+"/show.php/p", "SCRIPT_NAME", "/show.php", "PATH_INFO", ""),
		"path info equal":        server("SCRIPT_FILENAME", d+"/show.php/p", "SCRIPT_NAME", "/show.php", "PATH_INFO", "/p"),
		"trailing slash":         server("SCRIPT_FILENAME", d+"/show.php/", "SCRIPT_NAME", "/show.php/", "DOCUMENT_ROOT", d),
		"translated":             server("SCRIPT_FILENAME", d+"/show.php/p", "SCRIPT_NAME", "/show.php/p", "PATH_INFO", "/show.php/p", "PATH_TRANSLATED", d+"/p", "DOCUMENT_ROOT", d+"/"),
		"translated alone":       server("PATH_TRANSLATED", d+"/show.php", "SCRIPT_NAME", "/show.php"),
		"redirect":               server("SCRIPT_FILENAME", "/usr/bin/php", "SCRIPT_NAME", "/php", "PATH_TRANSLATED", d+"/show.php", "PATH_INFO", "/show.php", "REDIRECT_URL", "/show.php"),
		"redirect, same":         server("SCRIPT_FILENAME", d+"/show.php", "SCRIPT_NAME", "/show.php", "PATH_TRANSLATED", d+"/show.php", "PATH_INFO", "/x", "REDIRECT_URL", "/show.php"),
		"redirect, path info":    server("SCRIPT_FILENAME", "/usr/bin/php", "SCRIPT_NAME", "/php", "PATH_TRANSLATED", d+"/show.php/pi", "PATH_INFO", "/show.php/pi", "REDIRECT_URL", "/show.php/pi"),
		"redirect equal name":    server("SCRIPT_FILENAME", "/usr/bin/php", "SCRIPT_NAME", "/show.php", "PATH_TRANSLATED", d+"/show.php", "REDIRECT_URL", "/show.php"),
		"proxy":                  server("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/show.php", "SCRIPT_NAME", "/show.php"),
		"proxy path info":        server("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/show.php/p/i", "SCRIPT_NAME", "/show.php/p/i", "DOCUMENT_ROOT", d),
		"proxy encoded":          server("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/show.php/p%20i", "SCRIPT_NAME", "/show.php/p i"),
		"proxy encoded badly":    server("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/show.php/p%2i%41", "SCRIPT_NAME", "/show.php/p%2iA"),
		"proxy query":            server("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/show.php?x=y", "SCRIPT_NAME", "/show.php"),
		"proxy with path info":   server("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/show.php/p", "SCRIPT_NAME", "/show.php", "PATH_INFO", "/q"),
		"proxy same path info":   server("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/show.php/p", "SCRIPT_NAME", "/show.php", "PATH_INFO", "/p"),
		"proxy redirect":         server("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/show.php", "SCRIPT_NAME", "/show.php", "REDIRECT_URL", "/x", "PATH_TRANSLATED", "/y"),
		"proxy no path":          server("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000", "SCRIPT_NAME", "/show.php"),
		"balancer":               server("SCRIPT_FILENAME", "Proxy:Balancer://b"+d+"/show.php/p", "SCRIPT_NAME", "/show.php/p"),
		"balancer behind fcgi":   server("SCRIPT_FILENAME", "proxy:fcgi://h/proxy:balancer://b"+d+"/show.php", "SCRIPT_NAME", "/show.php"),
		"iis":                    server("SCRIPT_FILENAME", d+"/show.php", "SCRIPT_NAME", "/show.php", "PATH_INFO", "/show.php/p", "SERVER_SOFTWARE", "Microsoft-IIS/7"),
		"iis nothing left":       server("SCRIPT_FILENAME", d+"/show.php", "SCRIPT_NAME", "/show.php", "PATH_INFO", "/show.php", "SERVER_SOFTWARE", "Microsoft-IIS/7"),
		"missing":                server("SCRIPT_FILENAME", d+"/nope.php", "SCRIPT_NAME", "/nope.php"),
		"missing below":          server("SCRIPT_FILENAME", d+"/nope/nope.php", "SCRIPT_NAME", "/nope.php", "PATH_INFO", "/x"),
		"directory":              server("SCRIPT_FILENAME", d, "SCRIPT_NAME", "/"),
		"directory slash":        server("SCRIPT_FILENAME", d+"/", "SCRIPT_NAME", "/"),
		"no script":              server("SCRIPT_NAME", "/show.php"),
		"dot dot":                server("SCRIPT_FILENAME", d+"/sub dir/../show.php", "SCRIPT_NAME", "/show.php"),
		"dots in a name":         server("SCRIPT_FILENAME", d+"/show..php", "SCRIPT_NAME", "/show.php"),
		"extension":              server("SCRIPT_FILENAME", "/etc/passwd", "SCRIPT_NAME", "/show.php"),
		"backslash":              server("SCRIPT_FILENAME", "x\\y", "SCRIPT_NAME", "/show.php"),
		"space":                  server("SCRIPT_FILENAME", d+"/sub dir/show.php", "SCRIPT_NAME", "/sub dir/show.php", "DOCUMENT_ROOT", d),
		"no method":              {params: []string{"SCRIPT_FILENAME", d + "/show.php"}},
		"empty method":           {params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", ""}},
		"nothing":                {},
		"duplicate":              server("SCRIPT_FILENAME", d+"/show.php", "DUPLICATE", "1", "SCRIPT_NAME", "/show.php", "DUPLICATE", "2"),
		"array-like name":        server("SCRIPT_FILENAME", d+"/show.php", "A[b]", "1", "C D", "2", "E.F", "3", "", "nameless"),
		"fcgi role":              server("SCRIPT_FILENAME", d+"/show.php", "FCGI_ROLE", "mine"),
		"authorizer":             {role: fastcgi.RoleAuthorizer, params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "GET"}},
		"basic":                  server("SCRIPT_FILENAME", d+"/show.php", "HTTP_AUTHORIZATION", "Basic dXNlcjpwYXNz"),
		"digest":                 server("SCRIPT_FILENAME", d+"/show.php", "HTTP_AUTHORIZATION", "Digest username=\"x\""),
		"head":                   server("SCRIPT_FILENAME", d+"/show.php", "REQUEST_METHOD", "HEAD"),
		"post":                   {body: "p=1&q=2", params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "POST", "CONTENT_TYPE", "application/x-www-form-urlencoded", "CONTENT_LENGTH", "7"}},
		"post, short length":     {body: "p=1&q=2", params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "POST", "CONTENT_TYPE", "application/x-www-form-urlencoded", "CONTENT_LENGTH", "3"}},
		"post, no length":        {body: "p=1&q=2", params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "POST", "CONTENT_TYPE", "application/x-www-form-urlencoded"}},
		"post json":              {body: `{"a":1}`, params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "POST", "CONTENT_TYPE", "application/json", "CONTENT_LENGTH", "7"}},
		"post without type":      {body: `{"a":1}`, params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "POST", "CONTENT_LENGTH", "7"}},
		"put":                    {body: "raw", params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "PUT", "CONTENT_LENGTH", "3"}},
		"body file":              {params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "POST", "CONTENT_LENGTH", "5", "REQUEST_BODY_FILE", "/etc/hostname"}},
		"body file missing":      {params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "POST", "CONTENT_LENGTH", "5", "REQUEST_BODY_FILE", "/nope"}},
		"long value":             server("SCRIPT_FILENAME", d+"/show.php", "HTTP_LONG", strings.Repeat("x", 20000)),
		"filter":                 {role: fastcgi.RoleFilter, params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "GET"}},
		"an option":              server("SCRIPT_FILENAME", d+"/show.php", "QUERY_STRING", "-s"),
		"php_value":              server("SCRIPT_FILENAME", d+"/show.php", "PHP_VALUE", "memory_limit=1M", "PHP_ADMIN_VALUE", "auto_prepend_file=/nope"),
	}
}

// A request's own settings: php.ini's sections and .user.ini files.
func TestSettingsOfARequestAsStock(t *testing.T) {
	contents := map[string]string{
		"a/show.php":  `<?php foreach (["precision", "memory_limit", "highlight.string", "date.timezone"] as $name) echo ini_get($name), "\n";`,
		"a/.user.ini": "precision = 5\n",
		"b/show.php":  `<?php echo ini_get("precision"), ini_get("highlight.string"), ini_get("date.timezone");`,
		".user.ini":   "highlight.string = '#123456'\n",
	}
	dir := files(t, contents)
	ini := files(t, map[string]string{"php.ini": "user_ini.filename = .user.ini\n[HOST=example.org]\nmemory_limit = 77M\n[PATH=" + dir + "/a]\ndate.timezone = Asia/Tokyo\n"})
	run := func(program string) *server {
		socket := filepath.Join(sockets(t), "socket")
		s := &server{t: t, network: "unix", address: socket}
		c := command(program, []string{"PHP_INI_SCAN_DIR="})
		c.Args = []string{program, "-c", ini + "/php.ini", "-b", socket}
		s.run(c)
		s.reachable()
		return s
	}
	p := &pair{t: t, dir: dir, stock: run(stock), ours: run(binary)}
	for _, script := range []string{"a/show.php", "b/show.php", "a/show.php"} {
		for _, host := range []string{"", "example.org", "EXAMPLE.org", "other"} {
			r := get(filepath.Join(dir, script), "SERVER_NAME", host)
			r.params = append(r.params, "DOCUMENT_ROOT", dir)
			p.compare(script+" of "+host, r)
		}
	}
	if got := p.ours.ask(get(dir+"/a/show.php", "SERVER_NAME", "example.org", "DOCUMENT_ROOT", dir)).body(); got != "5\n77M\n#123456\nAsia/Tokyo\n" {
		t.Errorf("got %q", got)
	}
}
