package fastcgi_test

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/test/exchange"
	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
	knownfaults "github.com/phpsapi/phpsapi/test/stock"
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
	p := &pair{t: t, dir: files.Make(t, contents)}
	env = append(env, "PHP_FCGI_MAX_REQUESTS=0")
	p.stock = start(t, stock, env, args...)
	p.ours = start(t, binary, env, args...)
	return p
}

// varies is what two runs of one script may print otherwise: its times.
var varies = regexp.MustCompile(`"REQUEST_TIME(_FLOAT)?": [0-9.]+`)

func comparable(r exchange.Response) string {
	r.Stdout = varies.ReplaceAllString(r.Stdout, "")
	return r.String()
}

// compare sends a request to both, a second time on a connection that is kept, and wants the same responses.
func (p *pair) compare(name string, r *request) {
	p.t.Helper()
	for _, keep := range []bool{false, true} {
		r.Keep = keep
		want, got := comparable(p.stock.ask(r)), comparable(p.ours.ask(r))
		if difference := exchange.Difference(got, want); difference != "" {
			p.t.Errorf("%s (kept %v): %s", name, keep, difference)
			return
		}
	}
}

func TestResponsesAsStock(t *testing.T) {
	t.Parallel()
	scripts := exchange.Scripts()
	maps.Copy(scripts, map[string]string{
		"sapi":               `<?php echo PHP_SAPI, php_sapi_name(), PHP_BINARY === "" ? "none" : "some"; foreach (["cgi.fix_pathinfo", "fastcgi.logging", "fpm.config", "cgi.force_redirect", "fastcgi.error_header", "cgi.redirect_status_env", "cgi.check_shebang_line"] as $name) var_dump(ini_get($name));`,
		"functions":          `<?php print_r(get_extension_funcs("cgi-fcgi")); foreach (get_extension_funcs("cgi-fcgi") as $name) echo new ReflectionFunction($name); var_dump(function_exists("dl"), function_exists("fastcgi_finish_request"));`,
		"phpinfo":            `<?php ob_start(); phpinfo(INFO_GENERAL); echo preg_match("~Server API.*?CGI/FastCGI~", ob_get_clean()); ob_start(); (new ReflectionExtension("cgi-fcgi"))->info(); echo ob_get_clean();`,
		"terminate argument": `<?php apache_child_terminate(1);`,
		"response headers":   `<?php header("A: b"); header("C:d"); header("E", false); print_r(apache_response_headers());`,
		"shebang, cgi":       "#!/usr/bin/php-cgi -d x=y\n<?php echo __LINE__;",
		"log elsewhere":      `<?php ini_set("error_log", __DIR__ . "/log"); error_log("said"); echo preg_replace("/\[.*?\]/", "", file_get_contents(__DIR__ . "/log")); unlink(__DIR__ . "/log");`,
		"environment":        `<?php var_dump(getenv("FROM_OUTSIDE"), $_SERVER["FROM_OUTSIDE"] ?? null, getenv("FROM_OUTSIDE", true), count($_ENV)); ksort($_SERVER); echo json_encode(array_keys($_SERVER));`,
		"unbuffered":         `<?php while (ob_get_level()) ob_end_clean(); echo "x"; flush(); print_r(headers_list());`,
		"getopt":             `<?php var_dump($argc ?? null, $argv ?? null, $_SERVER["argv"] ?? null, getopt("b:"));`,
		"uploaded":           `<?php var_dump(is_uploaded_file(__FILE__), $_FILES);`,
	})
	contents := map[string]string{}
	file := func(name string) string { return strings.NewReplacer(" ", "-", ",", "").Replace(name) + ".php" }
	for name, text := range scripts {
		contents[file(name)] = text
	}
	p := newPair(t, contents, nil, "-d", "memory_limit=64M")
	for name := range scripts {
		r := get(filepath.Join(p.dir, file(name)))
		p.compare(name, r)
		p.compare(name+", head", &request{exchange.Request{Params: append(r.Params, "REQUEST_METHOD", "HEAD")}})
	}
}

// show prints what a script learns of its request.
const show = `<?php
echo json_encode([$_SERVER, $_GET, $_POST, $_COOKIE, getenv("SCRIPT_NAME"), getenv("PATH_INFO"), getenv("PATH"), getenv(),
	getallheaders(), file_get_contents("php://input"), getcwd()], JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES), "\n";`

func TestRequestsAsStock(t *testing.T) {
	t.Parallel()
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
			fixes := !slices.Contains(args, "cgi.fix_pathinfo=0")
			faulty := fixes && knownfaults.PathInfo.In(t, stock)
			right := correctedPaths(p.dir)
			for name, r := range requests(p.dir) {
				if want, ok := right[name]; ok && fixes {
					p.shows(name, &request{r}, want)
					if faulty {
						continue
					}
				}
				p.compare(name, &request{r})
			}
		})
	}
}

// correctedPaths are the right values in $_SERVER of the requests that stock PHP has corrected wrongly (stock.PathInfo).
// What is nil must not be there.
func correctedPaths(d string) map[string]map[string]any {
	values := func(translated, pathInfo, original string) map[string]any {
		return map[string]any{"SCRIPT_FILENAME": d + "/show.php", "SCRIPT_NAME": "/show.php", "PATH_INFO": pathInfo,
			"PATH_TRANSLATED": translated, "ORIG_SCRIPT_FILENAME": original, "ORIG_PATH_INFO": nil, "ORIG_SCRIPT_NAME": nil}
	}
	return map[string]map[string]any{
		"path info short": values(d+"/p", "/p", d+"/show.php/p/iiiiiiiiiiiiiiiiiiiiiiii"),
		"path info empty": values(d, "", d+"/show.php/p"),
	}
}

// shows sends a request to phpsapi and wants these values in $_SERVER.
func (p *pair) shows(name string, r *request, want map[string]any) {
	p.t.Helper()
	for _, keep := range []bool{false, true} {
		r.Keep = keep
		var shown []map[string]any
		answer := p.ours.ask(r)
		text, _, _ := strings.Cut(answer.Body(), ",\n    {") // after $_SERVER come arrays and objects alike
		if err := json.Unmarshal([]byte(text+"]"), &shown); err != nil {
			p.t.Errorf("%s (kept %v): %v: %s", name, keep, err, answer)
			return
		}
		for variable, value := range want {
			if got := shown[0][variable]; got != value {
				p.t.Errorf("%s (kept %v): %s is %v, want %v", name, keep, variable, got, value)
			}
		}
	}
}

func TestHighlightedSourceAsStock(t *testing.T) {
	t.Parallel()
	p := newPair(t, map[string]string{"x.php": "<?php\n// a comment\necho 'x' . 1; ?>\n<b>text</b>\n"}, nil, "-s")
	for range 2 {
		p.compare("-s", get(p.dir+"/x.php"))
	}
	if got := p.ours.ask(get(p.dir + "/x.php")).Body(); !strings.Contains(got, "<code") {
		t.Errorf("got %q", got)
	}
}

func requests(d string) map[string]exchange.Request {
	all := exchange.Requests(d)
	maps.Copy(all, map[string]exchange.Request{
		"filter":    {Role: fastcgi.RoleFilter, Params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "GET"}},
		"an option": exchange.Get("SCRIPT_FILENAME", d+"/show.php", "QUERY_STRING", "-s"),
		"php_value": exchange.Get("SCRIPT_FILENAME", d+"/show.php", "PHP_VALUE", "memory_limit=1M", "PHP_ADMIN_VALUE", "auto_prepend_file=/nope"),
	})
	return all
}

// A request's own settings: php.ini's sections and .user.ini files.
func TestSettingsOfARequestAsStock(t *testing.T) {
	t.Parallel()
	contents := map[string]string{
		"a/show.php":  `<?php foreach (["precision", "memory_limit", "highlight.string", "date.timezone"] as $name) echo ini_get($name), "\n";`,
		"a/.user.ini": "precision = 5\n",
		"b/show.php":  `<?php echo ini_get("precision"), ini_get("highlight.string"), ini_get("date.timezone");`,
		".user.ini":   "highlight.string = '#123456'\n",
	}
	dir := files.Make(t, contents)
	ini := files.Make(t, map[string]string{"php.ini": "user_ini.filename = .user.ini\n[HOST=example.org]\nmemory_limit = 77M\n[PATH=" + dir + "/a]\ndate.timezone = Asia/Tokyo\n"})
	run := func(program string) *server {
		socket := filepath.Join(serve.Dir(t), "socket")
		c := command(program, []string{"PHP_INI_SCAN_DIR="})
		c.Args = []string{program, "-c", ini + "/php.ini", "-b", socket}
		return listening(t, "unix", socket, c)
	}
	p := &pair{t: t, dir: dir, stock: run(stock), ours: run(binary)}
	for _, script := range []string{"a/show.php", "b/show.php", "a/show.php"} {
		for _, host := range []string{"", "example.org", "EXAMPLE.org", "other"} {
			r := get(filepath.Join(dir, script), "SERVER_NAME", host)
			r.Params = append(r.Params, "DOCUMENT_ROOT", dir)
			p.compare(script+" of "+host, r)
		}
	}
	if got := p.ours.ask(get(dir+"/a/show.php", "SERVER_NAME", "example.org", "DOCUMENT_ROOT", dir)).Body(); got != "5\n77M\n#123456\nAsia/Tokyo\n" {
		t.Errorf("got %q", got)
	}
}

// A request that PHP cannot start, for lack of memory, is ended as php-cgi ends it, with what PHP has to say.
func TestStartupThatFailsAsStock(t *testing.T) {
	t.Parallel()
	p := newPair(t, map[string]string{"never.php": `<?php echo "never";`}, nil, "-d", "memory_limit=4M", "-d", "post_max_size=0", "-d", "display_errors=1")
	r := &request{exchange.Get("SCRIPT_FILENAME", filepath.Join(p.dir, "never.php"), "SCRIPT_NAME", "/never.php", "REQUEST_METHOD", "POST",
		"CONTENT_TYPE", "application/x-www-form-urlencoded", "CONTENT_LENGTH", "6000002")}
	r.Body = "a=" + strings.Repeat("x", 6_000_000)
	want, got := comparable(p.stock.ask(r)), comparable(p.ours.ask(r))
	if difference := exchange.Difference(got, want); difference != "" {
		t.Error(difference)
	}
}
