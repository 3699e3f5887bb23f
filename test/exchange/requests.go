package exchange

import (
	"strings"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
)

// Get returns a request of a web server with some of what it always sends, and these params.
func Get(params ...string) Request {
	base := []string{"REQUEST_METHOD", "GET", "QUERY_STRING", "a=1&b[]=2&c.d=3", "SERVER_NAME", "x", "HTTP_X_Y-z", "v",
		"HTTP_COOKIE", "k=v; l=w", "HTTP_USER_AGENT", "test", "CONTENT_TYPE", "", "CONTENT_LENGTH", ""}
	return Request{Params: append(base, params...)}
}

// Requests returns requests for the script show.php in directory d and in its "sub dir", as the web servers' kinds of settings name
// it, each named for what is particular. The script prints what it learns of its request.
func Requests(d string) map[string]Request {
	return map[string]Request{
		"plain":                  Get("SCRIPT_FILENAME", d+"/show.php", "SCRIPT_NAME", "/show.php"),
		"document root":          Get("SCRIPT_FILENAME", d+"/show.php", "SCRIPT_NAME", "/show.php", "DOCUMENT_ROOT", d),
		"path info, nginx":       Get("SCRIPT_FILENAME", d+"/show.php", "SCRIPT_NAME", "/show.php", "PATH_INFO", "/p/i", "DOCUMENT_ROOT", d),
		"path info in script":    Get("SCRIPT_FILENAME", d+"/show.php/p/i", "SCRIPT_NAME", "/show.php/p/i", "DOCUMENT_ROOT", d),
		"path info all":          Get("SCRIPT_FILENAME", d+"/show.php/p/i", "SCRIPT_NAME", "/cgi", "PATH_INFO", "/show.php/p/i", "DOCUMENT_ROOT", d),
		"path info all, no name": Get("SCRIPT_FILENAME", d+"/show.php/p/i", "PATH_INFO", "/show.php/p/i"),
		"path info short":        Get("SCRIPT_FILENAME", d+"/show.php/p/iiiiiiiiiiiiiiiiiiiiiiii", "SCRIPT_NAME", "/show.php", "PATH_INFO", "/p"),
		"path info empty":        Get("SCRIPT_FILENAME", d+"/show.php/p", "SCRIPT_NAME", "/show.php", "PATH_INFO", ""),
		"path info equal":        Get("SCRIPT_FILENAME", d+"/show.php/p", "SCRIPT_NAME", "/show.php", "PATH_INFO", "/p"),
		"trailing slash":         Get("SCRIPT_FILENAME", d+"/show.php/", "SCRIPT_NAME", "/show.php/", "DOCUMENT_ROOT", d),
		"translated":             Get("SCRIPT_FILENAME", d+"/show.php/p", "SCRIPT_NAME", "/show.php/p", "PATH_INFO", "/show.php/p", "PATH_TRANSLATED", d+"/p", "DOCUMENT_ROOT", d+"/"),
		"translated alone":       Get("PATH_TRANSLATED", d+"/show.php", "SCRIPT_NAME", "/show.php"),
		"redirect":               Get("SCRIPT_FILENAME", "/usr/bin/php", "SCRIPT_NAME", "/php", "PATH_TRANSLATED", d+"/show.php", "PATH_INFO", "/show.php", "REDIRECT_URL", "/show.php"),
		"redirect, same":         Get("SCRIPT_FILENAME", d+"/show.php", "SCRIPT_NAME", "/show.php", "PATH_TRANSLATED", d+"/show.php", "PATH_INFO", "/x", "REDIRECT_URL", "/show.php"),
		"redirect, path info":    Get("SCRIPT_FILENAME", "/usr/bin/php", "SCRIPT_NAME", "/php", "PATH_TRANSLATED", d+"/show.php/pi", "PATH_INFO", "/show.php/pi", "REDIRECT_URL", "/show.php/pi"),
		"redirect equal name":    Get("SCRIPT_FILENAME", "/usr/bin/php", "SCRIPT_NAME", "/show.php", "PATH_TRANSLATED", d+"/show.php", "REDIRECT_URL", "/show.php"),
		"proxy":                  Get("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/show.php", "SCRIPT_NAME", "/show.php"),
		"proxy path info":        Get("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/show.php/p/i", "SCRIPT_NAME", "/show.php/p/i", "DOCUMENT_ROOT", d),
		"proxy encoded":          Get("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/show.php/p%20i", "SCRIPT_NAME", "/show.php/p i"),
		"proxy encoded badly":    Get("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/show.php/p%2i%41", "SCRIPT_NAME", "/show.php/p%2iA"),
		"proxy encoded twice":    Get("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/show.php/p%2541", "SCRIPT_NAME", "/show.php/p%41"),
		"proxy encoded NUL":      Get("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/show.php/p%00q", "SCRIPT_NAME", "/show.php/p"),
		"proxy encoded, named":   Get("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/show.php/p%41", "SCRIPT_NAME", "/x", "DOCUMENT_ROOT", "/r"),
		"proxy encoded, unnamed": Get("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/show.php/p%41"),
		"proxy encoded, info":    Get("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/show.php/p%41", "SCRIPT_NAME", "/show.php", "PATH_INFO", "/q"),
		"proxy encoded script":   Get("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/sh%6fw.php", "SCRIPT_NAME", "/show.php"),
		"balancer encoded":       Get("SCRIPT_FILENAME", "proxy:balancer://b"+d+"/show.php/p%41", "SCRIPT_NAME", "/show.php/pA"),
		"proxy query":            Get("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/show.php?x=y", "SCRIPT_NAME", "/show.php"),
		"proxy with path info":   Get("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/show.php/p", "SCRIPT_NAME", "/show.php", "PATH_INFO", "/q"),
		"proxy same path info":   Get("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/show.php/p", "SCRIPT_NAME", "/show.php", "PATH_INFO", "/p"),
		"proxy redirect":         Get("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/show.php", "SCRIPT_NAME", "/show.php", "REDIRECT_URL", "/x", "PATH_TRANSLATED", "/y"),
		"proxy no path":          Get("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000", "SCRIPT_NAME", "/show.php"),
		"balancer":               Get("SCRIPT_FILENAME", "Proxy:Balancer://b"+d+"/show.php/p", "SCRIPT_NAME", "/show.php/p"),
		"balancer behind fcgi":   Get("SCRIPT_FILENAME", "proxy:fcgi://h/proxy:balancer://b"+d+"/show.php", "SCRIPT_NAME", "/show.php"),
		"iis":                    Get("SCRIPT_FILENAME", d+"/show.php", "SCRIPT_NAME", "/show.php", "PATH_INFO", "/show.php/p", "SERVER_SOFTWARE", "Microsoft-IIS/7"),
		"iis nothing left":       Get("SCRIPT_FILENAME", d+"/show.php", "SCRIPT_NAME", "/show.php", "PATH_INFO", "/show.php", "SERVER_SOFTWARE", "Microsoft-IIS/7"),
		"missing":                Get("SCRIPT_FILENAME", d+"/nope.php", "SCRIPT_NAME", "/nope.php"),
		"missing below":          Get("SCRIPT_FILENAME", d+"/nope/nope.php", "SCRIPT_NAME", "/nope.php", "PATH_INFO", "/x"),
		"directory":              Get("SCRIPT_FILENAME", d, "SCRIPT_NAME", "/"),
		"directory slash":        Get("SCRIPT_FILENAME", d+"/", "SCRIPT_NAME", "/"),
		"no script":              Get("SCRIPT_NAME", "/show.php"),
		"dot dot":                Get("SCRIPT_FILENAME", d+"/sub dir/../show.php", "SCRIPT_NAME", "/show.php"),
		"dots in a name":         Get("SCRIPT_FILENAME", d+"/show..php", "SCRIPT_NAME", "/show.php"),
		"extension":              Get("SCRIPT_FILENAME", "/etc/passwd", "SCRIPT_NAME", "/show.php"),
		"backslash":              Get("SCRIPT_FILENAME", "x\\y", "SCRIPT_NAME", "/show.php"),
		"space":                  Get("SCRIPT_FILENAME", d+"/sub dir/show.php", "SCRIPT_NAME", "/sub dir/show.php", "DOCUMENT_ROOT", d),
		"no method":              {Params: []string{"SCRIPT_FILENAME", d + "/show.php"}},
		"empty method":           {Params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", ""}},
		"nothing":                {},
		"duplicate":              Get("SCRIPT_FILENAME", d+"/show.php", "DUPLICATE", "1", "SCRIPT_NAME", "/show.php", "DUPLICATE", "2"),
		"array-like name":        Get("SCRIPT_FILENAME", d+"/show.php", "A[b]", "1", "C D", "2", "E.F", "3", "", "nameless"),
		"fcgi role":              Get("SCRIPT_FILENAME", d+"/show.php", "FCGI_ROLE", "mine"),
		"authorizer":             {Role: fastcgi.RoleAuthorizer, Params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "GET"}},
		"basic":                  Get("SCRIPT_FILENAME", d+"/show.php", "HTTP_AUTHORIZATION", "Basic dXNlcjpwYXNz"),
		"digest":                 Get("SCRIPT_FILENAME", d+"/show.php", "HTTP_AUTHORIZATION", "Digest username=\"x\""),
		"head":                   Get("SCRIPT_FILENAME", d+"/show.php", "REQUEST_METHOD", "HEAD"),
		"post":                   {Body: "p=1&q=2", Params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "POST", "CONTENT_TYPE", "application/x-www-form-urlencoded", "CONTENT_LENGTH", "7"}},
		"post, short length":     {Body: "p=1&q=2", Params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "POST", "CONTENT_TYPE", "application/x-www-form-urlencoded", "CONTENT_LENGTH", "3"}},
		"post, no length":        {Body: "p=1&q=2", Params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "POST", "CONTENT_TYPE", "application/x-www-form-urlencoded"}},
		"post json":              {Body: `{"a":1}`, Params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "POST", "CONTENT_TYPE", "application/json", "CONTENT_LENGTH", "7"}},
		"post without type":      {Body: `{"a":1}`, Params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "POST", "CONTENT_LENGTH", "7"}},
		"put":                    {Body: "raw", Params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "PUT", "CONTENT_LENGTH", "3"}},
		"body file":              {Params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "POST", "CONTENT_LENGTH", "5", "REQUEST_BODY_FILE", "/etc/hostname"}},
		"body file not wanted":   {Params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "POST", "CONTENT_LENGTH", "0", "REQUEST_BODY_FILE", "/nope"}},
		"body file not read":     {Params: []string{"SCRIPT_FILENAME", d + "/none.php", "REQUEST_METHOD", "PUT", "CONTENT_LENGTH", "5", "REQUEST_BODY_FILE", "/nope"}},
		"body file missing":      {Params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "POST", "CONTENT_LENGTH", "5", "REQUEST_BODY_FILE", "/nope"}},
		"long value":             Get("SCRIPT_FILENAME", d+"/show.php", "HTTP_LONG", strings.Repeat("x", 20000)),
	}
}
