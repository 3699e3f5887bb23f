package worker

import (
	"testing"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/test/exchange"
)

// The settings of cgi.*, fastcgi.* and where scripts are looked for, which are a worker's for life.
func TestCGISettingsAsStock(t *testing.T) {
	t.Parallel()
	for _, settings := range [][]conf.KeyValue{
		{{Key: "fastcgi.error_header", Value: "HTTP/1.1 555 Mine"}, {Key: "display_errors", Value: "0"}},
		{{Key: "fastcgi.logging", Value: "0"}, {Key: "log_errors", Value: "1"}},
		{{Key: "cgi.fix_pathinfo", Value: "0"}},
		{{Key: "cgi.fix_pathinfo", Value: "0"}, {Key: "cgi.discard_path", Value: "1"}},
		{{Key: "cgi.nph", Value: "1"}},
		{{Key: "cgi.rfc2616_headers", Value: "1"}},
		{{Key: "doc_root", Value: "/nonexistent"}},
		{{Key: "variables_order", Value: "EGPCS"}, {Key: "auto_globals_jit", Value: "0"}},
		{{Key: "auto_prepend_file", Value: "/etc/hostname"}, {Key: "output_buffering", Value: "4096"}, {Key: "expose_php", Value: "0"}},
		{{Key: "disable_classes", Value: "SplStack,SplQueue"}, {Key: "nope", Value: "1"}},
	} {
		name := settings[0].Key // it becomes a part of a path in php-fpm.conf
		t.Run(name, func(t *testing.T) {
			p := newPair(t, settings...)
			p.write(t, "show.php", show)
			p.write(t, "fatal.php", `<?php echo $x; nope();`)
			p.write(t, "404.php", `<?php header("HTTP/1.1 404 Gone Fishing"); error_log("said"); echo 1, count($_ENV) > 0, class_exists("SplStack");`)
			for name, r := range map[string]*testRequest{
				"show":       get(p.dir, "show.php", "A", "1"),
				"fatal":      get(p.dir, "fatal.php"),
				"404":        get(p.dir, "404.php"),
				"missing":    get(p.dir, "nope.php"),
				"path info":  get(p.dir, "show.php/p", "PATH_INFO", "/p"),
				"translated": get(p.dir, "show.php", "PATH_TRANSLATED", p.dir+"/404.php", "PATH_INFO", "/p"),
				"ping":       {exchange.Request{Params: []string{"SCRIPT_FILENAME", "/ping", "SCRIPT_NAME", "/ping", "REQUEST_METHOD", "GET"}}},
			} {
				p.compare(t, name, r)
			}
		})
	}
}
