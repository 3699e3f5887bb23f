package worker

import (
	"fmt"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/conf"
)

func TestResponsesAsStock(t *testing.T) {
	p := newPair(t, conf.KeyValue{Key: "memory_limit", Value: "64M"}, conf.KeyValue{Key: "disable_functions", Value: "passthru,system"},
		conf.KeyValue{Key: "open_basedir", Value: ""})
	for name, script := range map[string]string{
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
		"finish":              `<?php echo "a"; var_dump(fastcgi_finish_request()); echo "b"; var_dump(fastcgi_finish_request());`,
		"finish empty":        `<?php fastcgi_finish_request(); error_log("late"); echo str_repeat("x", 20000);`,
		"memory":              `<?php ini_set("display_errors", 1); $x = str_repeat("x", 100 << 20);`,
		"disabled":            `<?php var_dump(function_exists("system"), ini_get("disable_functions"), ini_set("memory_limit", "1G"), ini_get("memory_limit"));`,
		"sapi":                `<?php echo PHP_SAPI, php_sapi_name(); var_dump(ini_get("cgi.fix_pathinfo"), ini_get("fastcgi.logging"), ini_get("fpm.config"), ini_get("cgi.force_redirect"), ini_get("fastcgi.error_header"), ini_get("cgi.redirect_status_env"), ini_get("cgi.check_shebang_line"));`,
		"ini all":             `<?php echo json_encode(ini_get_all("cgi-fcgi"), JSON_PRETTY_PRINT);`,
		"functions":           `<?php print_r(array_values(array_diff(get_extension_funcs("cgi-fcgi"), ["headers_send"]))); echo new ReflectionFunction("fpm_get_status"), new ReflectionFunction("getallheaders"), new ReflectionFunction("fastcgi_finish_request");`,
		"getenv all":          `<?php $e = getenv(); unset($e["PADDING"]); print_r($e);`,
		"putenv":              `<?php putenv("A_B=c"); var_dump(getenv("A_B"), getenv("REQUEST_METHOD"), getenv("REQUEST_METHOD", true), getenv("HOME", true));`,
		"env":                 `<?php var_dump(count($_ENV), isset($_SERVER["USER"]));`,
		"aborted":             `<?php var_dump(connection_aborted(), connection_status(), ignore_user_abort());`,
		"headers list":        `<?php header("A: b"); print_r(headers_list()); print_r(apache_request_headers()); var_dump(function_exists("apache_response_headers"));`,
		"arguments":           `<?php fastcgi_finish_request(1);`,
		"stdin":               `<?php var_dump(defined("STDIN"), file_get_contents("php://stdin"));`,
		"output stream":       `<?php file_put_contents("php://output", "x"); $f = fopen("php://stdout", "w"); fwrite($f, "lost"); echo "y";`,
		"time limit":          `<?php set_time_limit(1); while (true);`,
		"cwd":                 `<?php echo getcwd() === __DIR__ ? "same" : getcwd();`,
		"include":             `<?php file_put_contents(__DIR__ . "/inc.php", "<?php return 5;"); echo include "inc.php";`,
		"session":             `<?php session_save_path(__DIR__); session_id("abc"); session_start(); echo session_id(); header_remove("Expires");`,
		"phpinfo":             `<?php ob_start(); phpinfo(INFO_GENERAL); echo preg_match("~Server API.*?FPM/FastCGI~", ob_get_clean()); ob_start(); (new ReflectionExtension("cgi-fcgi"))->info(); echo ob_get_clean();`,
		"loaded":              `<?php var_dump(extension_loaded("cgi-fcgi"), ini_get("display_errors"), ini_get("html_errors"), ini_get("max_execution_time"), ini_get("implicit_flush"), ini_get("register_argc_argv"), ini_get("output_buffering"));`,
	} {
		file := strings.NewReplacer(" ", "-", ",", "").Replace(name) + ".php"
		p.write(t, file, script)
		p.compare(t, name, get(p.dir, file))
		head := get(p.dir, file)
		head.params[1] = "HEAD"
		if name != "time limit" {
			p.compare(t, name+", head", head)
		}
	}
}

// The settings of directories and requests.
func TestSettingsAsStock(t *testing.T) {
	// php-fpm keeps what a request set for the next ones of its worker: it gets a worker per request.
	p := newPairWith(t, "pm.max_requests = 1", conf.KeyValue{Key: "user_ini.cache_ttl", Value: "0"})
	const show = `<?php foreach (["memory_limit", "precision", "open_basedir", "post_max_size", "error_prepend_string"] as $n) {
		echo $n, "=", ini_get($n), " "; } ini_restore("precision"); echo ini_get("precision"), var_export(ini_set("memory_limit", "33M"), true);`
	p.write(t, "show.php", show)
	for _, dir := range []string{"a", "outside", "slash", "rootless"} { // what the files say is kept for a second
		p.write(t, dir+"/show.php", show)
		p.write(t, dir+"/b/show.php", show)
		p.write(t, dir+"/.user.ini", "precision = 5\nerror_prepend_string = from a\nmemory_limit = 77M\n")
		p.write(t, dir+"/b/.user.ini", "error_prepend_string = from b\nopen_basedir = /\n")
	}
	value := func(file string, params ...string) *testRequest { return get(p.dir, file, params...) }
	for _, test := range []struct {
		name string
		r    *testRequest
	}{
		{"none", value("show.php")},
		{"user.ini", value("a/b/show.php")},
		{"user.ini outside of the root", value("outside/b/show.php", "DOCUMENT_ROOT", "/usr")},
		{"user.ini, root with slash", value("slash/b/show.php", "DOCUMENT_ROOT", p.dir+"/slash/")},
		{"user.ini, no root", &testRequest{params: []string{"REQUEST_METHOD", "GET", "SCRIPT_FILENAME", p.dir + "/rootless/b/show.php"}}},
		{"none again", value("show.php")},
	} {
		p.compare(t, test.name, test.r)
	}
	for i, test := range []struct{ name, param, value, file string }{
		{"value", "PHP_VALUE", "precision = 7", "show.php"},
		{"admin value", "PHP_ADMIN_VALUE", "memory_limit = 99M", "show.php"},
		{"two", "PHP_VALUE", "error_prepend_string=\"a b\"\npost_max_size=3M", "show.php"},
		{"unknown", "PHP_VALUE", "nope.nope = 7", "show.php"},
		{"section", "PHP_VALUE", "[x]", "show.php"},
		{"array", "PHP_VALUE", "a[] = 1", "show.php"},
		{"syntax", "PHP_VALUE", "a = (", "show.php"},
		{"valueless", "PHP_VALUE", "precision", "show.php"},
		{"both user.ini", "PHP_ADMIN_VALUE", "precision = 9", "a/show.php"},
	} {
		p.compare(t, fmt.Sprint(i, " ", test.name), value(test.file, test.param, test.value))
	}
}
