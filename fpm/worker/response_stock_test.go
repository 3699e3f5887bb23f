package worker

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/test/exchange"
)

func TestResponsesAsStock(t *testing.T) {
	t.Parallel()
	p := newPair(t, conf.KeyValue{Key: "memory_limit", Value: "64M"}, conf.KeyValue{Key: "disable_functions", Value: "passthru,system"},
		conf.KeyValue{Key: "open_basedir", Value: ""})
	scripts := exchange.Scripts()
	maps.Copy(scripts, map[string]string{
		"finish":       `<?php echo "a"; var_dump(fastcgi_finish_request()); echo "b"; var_dump(fastcgi_finish_request());`,
		"finish empty": `<?php fastcgi_finish_request(); error_log("late"); echo str_repeat("x", 20000);`,
		"disabled":     `<?php var_dump(function_exists("system"), ini_get("disable_functions"), ini_set("memory_limit", "1G"), ini_get("memory_limit"));`,
		"sapi":         `<?php echo PHP_SAPI, php_sapi_name(); var_dump(ini_get("cgi.fix_pathinfo"), ini_get("fastcgi.logging"), ini_get("fpm.config"), ini_get("cgi.force_redirect"), ini_get("fastcgi.error_header"), ini_get("cgi.redirect_status_env"), ini_get("cgi.check_shebang_line"));`,
		"functions":    `<?php print_r(array_values(array_filter(get_extension_funcs("cgi-fcgi"), fn ($name) => !preg_match("/^(headers_send|apache_response_headers|frankenphp_.*)$/", $name)))); echo new ReflectionFunction("fpm_get_status"), new ReflectionFunction("getallheaders"), new ReflectionFunction("fastcgi_finish_request");`,
		"arguments":    `<?php fastcgi_finish_request(1);`,
		"time limit":   `<?php set_time_limit(1); while (true);`,
		"phpinfo":      `<?php ob_start(); phpinfo(INFO_GENERAL); echo preg_match("~Server API.*?FPM/FastCGI~", ob_get_clean()); ob_start(); (new ReflectionExtension("cgi-fcgi"))->info(); echo ob_get_clean();`,
	})
	for name, script := range scripts {
		file := strings.NewReplacer(" ", "-", ",", "").Replace(name) + ".php"
		p.write(t, file, script)
		p.compare(t, name, get(p.dir, file))
		head := get(p.dir, file)
		head.Params[1] = "HEAD"
		if name != "time limit" {
			p.compare(t, name+", head", head)
		}
	}
}

// The settings of directories and requests.
func TestSettingsAsStock(t *testing.T) {
	t.Parallel()
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
		{"user.ini, no root", &testRequest{exchange.Request{Params: []string{"REQUEST_METHOD", "GET", "SCRIPT_FILENAME", p.dir + "/rootless/b/show.php"}}}},
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
