package devserver_test

import (
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/wait"
)

const dump = `<?php
foreach (["REQUEST_TIME", "REQUEST_TIME_FLOAT"] as $name) { unset($_SERVER[$name]); }
var_dump($_SERVER, getallheaders(), $_GET, $_POST, $_COOKIE, $_FILES, file_get_contents("php://input"), getcwd(),
	PHP_SAPI, headers_list(), apache_response_headers(), http_response_code());
`

// site is what both servers serve.
var site = map[string]string{
	"index.php":            "<?php echo 'index ', $_SERVER['PATH_INFO'] ?? '-', \"\\n\";",
	"dump.php":             dump,
	"UPPER.PHP":            "<?php echo 'upper';",
	"text.txt":             "text\n",
	"page.html":            "<p>page</p>\n",
	"style.css":            "p {}\n",
	"code.js":              "1\n",
	"picture.PNG":          "png",
	"font.woff2":           "w",
	"data.json":            "{}",
	"unknown.qqq":          "?",
	"noextension":          "plain",
	".hidden":              "hidden",
	"empty.txt":            "",
	"space name.txt":       "space",
	"html/index.html":      "<p>html</p>",
	"sub/index.php":        "<?php echo 'sub ', $_SERVER['PATH_INFO'] ?? '-', ' ', $_SERVER['SCRIPT_NAME'];",
	"bare/file.txt":        "x",
	"v1.0/index.php":       "<?php echo 'dotted';",
	"status.php":           "<?php http_response_code((int) $_GET['c']); echo 'status';",
	"line.php":             "<?php header('HTTP/1.1 418 Short and stout'); echo 'tea';",
	"date.php":             "<?php header('Date: yesterday'); header('X-Two: a'); header('X-Two: b', false);",
	"location.php":         "<?php header('Location: /elsewhere');",
	"type.php":             "<?php header('Content-Type: application/json'); echo '[]';",
	"notype.php":           "<?php header_remove('X-Powered-By'); ini_set('default_mimetype', ''); echo 'x';",
	"cookie.php":           "<?php setcookie('a', 'b c'); setcookie('d', 'e');",
	"notmodified.php":      "<?php http_response_code(304);",
	"empty.php":            "",
	"fatal.php":            "<?php echo 'before'; nope();",
	"fatalfirst.php":       "<?php nope();",
	"parse.php":            "<?php this is no PHP",
	"warning.php":          "<?php echo $undefined; error_log('to the log'); trigger_error('mine', E_USER_WARNING);",
	"late.php":             "<?php register_shutdown_function(function () { error_log('late'); echo 'late'; }); echo 'early';",
	"exit.php":             "<?php echo 'a'; exit(3);",
	"big.php":              "<?php echo str_repeat('0123456789', 200000);",
	"pieces.php":           "<?php for ($i = 0; $i < 5; $i++) { echo $i; flush(); }",
	"buffer.php":           "<?php ob_start(); echo 'x'; header('X-Late: 1'); echo 'y';",
	"chdir.php":            "<?php chdir('/'); echo getcwd();",
	"sub/cwd.php":          "<?php echo getcwd();",
	"auth.php":             "<?php var_dump($_SERVER['PHP_AUTH_USER'] ?? null, $_SERVER['PHP_AUTH_PW'] ?? null, $_SERVER['PHP_AUTH_DIGEST'] ?? null);",
	"info.php":             "<?php ob_start(); phpinfo(INFO_LICENSE); echo substr(ob_get_clean(), 0, 200);",
	"unknownstatus.php":    "<?php http_response_code(299);",
	"sub/deeper/other.php": "<?php echo __FILE__ === $_SERVER['SCRIPT_FILENAME'] ? 'same' : 'other';",
}

func get(target string, headers ...string) string {
	return request("GET", target, headers...)
}

func request(method, target string, headers ...string) string {
	text := method + " " + target + " HTTP/1.1\r\nHost: test:1\r\n"
	for _, header := range headers {
		text += header + "\r\n"
	}
	return text + "\r\n"
}

func post(target, kind, text string) string {
	return request("POST", target, "Content-Type: "+kind, fmt.Sprintf("Content-Length: %d", len(text))) + text
}

const multipart = "--b\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\nvalue\r\n" +
	"--b\r\nContent-Disposition: form-data; name=\"up\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\ncontent\r\n--b--\r\n"

// exchanges are what is sent; pieces are sent one after the other, with a pause between.
var exchanges = []struct {
	name   string
	pieces []string
}{
	{"root", []string{get("/")}},
	{"dump", []string{get("/dump.php?a=1&b[]=2", "X-Mixed-Case: One", "Cookie: c=1; d=2")}},
	{"path info", []string{get("/dump.php/path/info?q")}},
	{"path info of a directory", []string{get("/sub/more/path")}},
	{"path info of the root", []string{get("/nothing/there")}},
	{"directory", []string{get("/sub/")}},
	{"directory without slash", []string{get("/sub")}},
	{"html directory", []string{get("/html/")}},
	{"directory without index", []string{get("/bare/")}},
	{"dotted directory", []string{get("/v1.0/")}},
	{"dotted path that is not there", []string{get("/nothing.txt")}},
	{"dot below a directory", []string{get("/sub/nothing.txt?x=<\"'>&amp;&b")}},
	{"encoded", []string{get("/space%20name.txt")}},
	{"percent without digits", []string{get("/a%zz%2")}},
	{"dots", []string{get("/sub/../text.txt")}},
	{"dots at the end", []string{get("/sub/deeper/..")}},
	{"dots above the root", []string{get("/../../etc/passwd")}},
	{"encoded dots", []string{get("/%2e%2e/text.txt")}},
	{"slashes", []string{get("//sub///.//index.php//x/")}},
	{"nul in a file's name", []string{get("/text.txt%00.x")}},
	{"nul in a file's name that a router sees", []string{get("/text.txt%00/nothing")}},
	{"nul in the path info", []string{get("/dump.php/a%00b/c")}},
	{"query without value", []string{get("/dump.php?")}},
	{"several question marks", []string{get("/dump.php???a=1?b")}},
	{"fragment", []string{get("/dump.php?a#b")}},
	{"hidden file", []string{get("/.hidden")}},
	{"upper case php", []string{get("/UPPER.PHP")}},
	{"no extension", []string{get("/noextension")}},
	{"empty file", []string{get("/empty.txt")}},
	{"text", []string{get("/text.txt")}},
	{"html", []string{get("/page.html")}},
	{"css", []string{get("/style.css")}},
	{"js", []string{get("/code.js")}},
	{"png in upper case", []string{get("/picture.PNG")}},
	{"woff2", []string{get("/font.woff2")}},
	{"json", []string{get("/data.json")}},
	{"unknown type", []string{get("/unknown.qqq")}},
	{"range", []string{get("/text.txt", "Range: bytes=1-2")}},
	{"if-modified-since", []string{get("/text.txt", "If-Modified-Since: Sat, 21 Nov 2036 00:00:00 GMT")}},
	{"head of a file", []string{request("HEAD", "/text.txt")}},
	{"head of a script", []string{request("HEAD", "/dump.php")}},
	{"head of nothing", []string{request("HEAD", "/nothing.txt")}},
	{"post to a file", []string{post("/text.txt", "text/plain", "x")}},
	{"delete a script", []string{request("DELETE", "/dump.php")}},
	{"put to a script", []string{request("PUT", "/dump.php", "Content-Length: 3") + "abc"}},
	{"patch", []string{request("PATCH", "/dump.php", "Content-Length: 3") + "abc"}},
	{"options", []string{request("OPTIONS", "/dump.php")}},
	{"options of all", []string{request("OPTIONS", "*")}},
	{"propfind", []string{request("PROPFIND", "/dump.php")}},
	{"m-search", []string{request("M-SEARCH", "/dump.php")}},
	{"connect", []string{request("CONNECT", "/dump.php")}},
	{"http/1.0", []string{"GET /dump.php HTTP/1.0\r\n\r\n"}},
	{"http/0.9", []string{"GET /text.txt\r\n\r\n"}},
	{"http/2.0", []string{"GET /text.txt HTTP/2.0\r\n\r\n"}},
	{"absolute url", []string{get("http://other:80/dump.php?x")}},
	{"absolute url without path", []string{get("http://other")}},
	{"bare line feeds", []string{"GET /dump.php HTTP/1.1\nHost: x\nA: b\n\n"}},
	{"empty lines first", []string{"\r\n\r\n" + get("/text.txt")}},
	{"spaces in the request line", []string{"GET   /text.txt   HTTP/1.1\r\n\r\n"}},
	{"no host", []string{"GET /dump.php HTTP/1.1\r\n\r\n"}},
	{"repeated headers", []string{get("/dump.php", "X-A: 1", "X-A: 2", "X-A: 3")}},
	{"empty header", []string{get("/dump.php", "X-A:", "X-B: ", "X-C:   c")}},
	{"header without colon", []string{get("/dump.php", "X-Half", "X-Other: 1")}},
	{"last header without colon", []string{get("/dump.php", "X-Other: 1", "X-Half")}},
	{"space in a header's name", []string{get("/dump.php", "X A : 1")}},
	{"folded header", []string{get("/dump.php", "X-A: 1", " folded: 2")}},
	{"header with a tab", []string{get("/dump.php", "X-A:\t1\t")}},
	{"header with bytes", []string{get("/dump.php", "X-A: \xff\xfe")}},
	{"proxy header", []string{get("/dump.php", "Proxy: http://x")}},
	{"basic auth", []string{get("/auth.php", "Authorization: Basic dXNlcjpwYXNz")}},
	{"digest auth", []string{get("/auth.php", `Authorization: Digest username="u"`)}},
	{"bearer auth", []string{get("/auth.php", "Authorization: Bearer x")}},
	{"form", []string{post("/dump.php", "application/x-www-form-urlencoded", "a=1&b=2")}},
	{"json body", []string{post("/dump.php", "application/json", `{"a":1}`)}},
	{"upload", []string{post("/dump.php", "multipart/form-data; boundary=b", multipart)}},
	{"body without type", []string{request("POST", "/dump.php", "Content-Length: 2") + "ab"}},
	{"post without body", []string{request("POST", "/dump.php")}},
	{"post of nothing", []string{post("/dump.php", "text/plain", "")}},
	{"get with body", []string{request("GET", "/dump.php", "Content-Length: 2") + "ab"}},
	{"larger body", []string{post("/dump.php", "text/plain", strings.Repeat("x", 100000))}},
	{"chunked", []string{request("POST", "/dump.php", "Transfer-Encoding: chunked") + "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"}},
	{"in pieces", []string{"POST /dump.php HT", "TP/1.1\r\nHo", "st: x\r\nContent-Length: 6\r\n\r", "\nabc", "def"}},
	{"status 404", []string{get("/status.php?c=404")}},
	{"status 503", []string{get("/status.php?c=503")}},
	{"status 204", []string{get("/status.php?c=204")}},
	{"unknown status", []string{get("/unknownstatus.php")}},
	{"own status line", []string{get("/line.php")}},
	{"own date", []string{get("/date.php")}},
	{"location", []string{get("/location.php")}},
	{"location after post", []string{post("/location.php", "text/plain", "x")}},
	{"own type", []string{get("/type.php")}},
	{"no type", []string{get("/notype.php")}},
	{"cookies", []string{get("/cookie.php")}},
	{"not modified", []string{get("/notmodified.php")}},
	{"empty script", []string{get("/empty.php")}},
	{"fatal error after output", []string{get("/fatal.php")}},
	{"fatal error", []string{get("/fatalfirst.php")}},
	{"parse error", []string{get("/parse.php")}},
	{"warnings", []string{get("/warning.php")}},
	{"shutdown function", []string{get("/late.php")}},
	{"exit", []string{get("/exit.php")}},
	{"large output", []string{get("/big.php")}},
	{"flushes", []string{get("/pieces.php")}},
	{"output buffer", []string{get("/buffer.php")}},
	{"chdir", []string{get("/chdir.php")}},
	{"directory after a chdir", []string{get("/sub/cwd.php")}},
	{"phpinfo is HTML", []string{get("/info.php")}},
	{"other script", []string{get("/sub/deeper/other.php")}},
	{"garbage", []string{"garbage\r\n\r\n"}},
	{"lower case method", []string{"get / HTTP/1.1\r\n\r\n"}},
	{"tls", []string{"\x16\x03\x01\x02\x00\x01"}},
	{"no version", []string{"GET / FOO\r\n\r\n"}},
	{"version without minor", []string{"GET / HTTP/1\r\n\r\n"}},
	{"tab in a header's name", []string{get("/", "X\tA: 1")}},
	{"length that is not a number", []string{get("/", "Content-Length: x")}},
	{"negative length", []string{get("/", "Content-Length: -1")}},
	{"bytes in the path", []string{"GET /\xff HTTP/1.1\r\n\r\n"}},
	{"chunk that is not a number", []string{request("POST", "/", "Transfer-Encoding: chunked") + "x\r\n"}},
	{"too many headers", []string{get("/", "X: "+strings.Repeat("x", 81<<10))}},
	{"long query", []string{get("/dump.php?" + strings.Repeat("q", 30000))}},
	{"long header", []string{get("/dump.php", "X-Long: "+strings.Repeat("x", 30000))}},
}

// incomplete are sent, and then the client says that no more will come.
var incomplete = []struct{ name, text string }{
	{"nothing", ""},
	{"empty line", "\r\n"},
	{"half a request line", "GET /"},
	{"half a head", "GET / HTTP/1.1\r\nHost: x\r\n"},
	{"half a body", "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc"},
}

func TestAnswersAreStockPHPs(t *testing.T) {
	t.Parallel()
	compare(t, site, "-n")
}

func TestRouterIsStockPHPs(t *testing.T) {
	t.Parallel()
	router := map[string]string{"router.php": `<?php
		if ($_SERVER["REQUEST_URI"] == "/") { var_dump($_SERVER["SCRIPT_FILENAME"] ?? null, $_SERVER["SCRIPT_NAME"], getcwd()); return true; }
		if (str_contains($_SERVER["REQUEST_URI"], "nothing")) { http_response_code(404); echo "routed ", $_SERVER["SCRIPT_FILENAME"] ?? "-"; return; }
		header("X-Router: 1");
		return false;`}
	for name, text := range site {
		router[name] = text
	}
	compare(t, router, "-n", "router.php")
}

// Since 8.4 php executes a router as it does any script: with auto_prepend_file and auto_append_file, and it reports what
// is wrong with it.
func TestRouterIsExecutedAsStockPHPs(t *testing.T) {
	t.Parallel()
	for name, router := range map[string]string{
		"answers":     "<?php echo 'router ', json_encode(array_map('basename', get_included_files())), getcwd();",
		"declines":    "<?php echo 'router'; return false;",
		"ends":        "<?php echo 'router'; exit;",
		"parse error": "<?php this is no PHP",
		"throws":      "<?php throw new Exception('thrown');",
		"shebang":     "#!/usr/bin/php\n<?php echo 'router';",
	} {
		t.Run(name, func(t *testing.T) {
			root := files.Make(t, map[string]string{
				"below/router.php": router, "index.php": "<?php echo json_encode(array_map('basename', get_included_files()));",
				"before.php": "<?php echo 'before ';", "after.php": "<?php echo 'after '; return 'after';", "static.txt": "static",
			})
			args := []string{"-n", "-d", "auto_prepend_file=" + root + "/before.php", "-d", "auto_append_file=" + root + "/after.php", "below/router.php"}
			theirs, ours := start(t, stock, root, nil, args...), start(t, binary, root, nil, args...)
			for _, path := range []string{"/", "/static.txt", "/below/x"} {
				sameText(t, theirs.exchange(t, []string{get(path)}, false), ours.exchange(t, []string{get(path)}, false))
			}
		})
	}
}

func TestRouterThatIsNotThere(t *testing.T) {
	t.Parallel()
	compare(t, map[string]string{"a.txt": "a"}, "-n", "missing.php")
}

// compare sends all exchanges to both servers.
func compare(t *testing.T, contents map[string]string, args ...string) {
	root := files.Make(t, contents)
	theirs, ours := start(t, stock, root, nil, args...), start(t, binary, root, nil, args...)
	for _, e := range exchanges {
		t.Run(e.name, func(t *testing.T) {
			sameText(t, theirs.exchange(t, e.pieces, false), ours.exchange(t, e.pieces, false))
		})
	}
	for _, e := range incomplete {
		t.Run("incomplete: "+e.name, func(t *testing.T) {
			sameText(t, theirs.exchange(t, []string{e.text}, true), ours.exchange(t, []string{e.text}, true))
		})
	}
}

func sameText(t *testing.T, theirs, ours string) {
	t.Helper()
	if theirs == ours {
		return
	}
	at := 0
	for at < len(theirs) && at < len(ours) && theirs[at] == ours[at] {
		at++
	}
	from := max(0, at-300)
	t.Errorf("difference at byte %d\nstock php: …%.900q\nphpsapi:   …%.900q", at, theirs[from:], ours[from:])
}

// exchange sends pieces, and gives the response and the log's lines about it, without what must differ.
func (s *server) exchange(t *testing.T, pieces []string, half bool) string {
	t.Helper()
	before := len(s.Output.String())
	conn := s.dial()
	defer conn.Close()
	for i, piece := range pieces {
		if i > 0 {
			time.Sleep(20 * time.Millisecond)
		}
		if _, err := conn.Write([]byte(piece)); err != nil {
			break // the server may refuse a request before it has read all of it
		}
	}
	if half {
		conn.(*net.TCPConn).CloseWrite()
	}
	response := readAll(conn)
	client := conn.LocalAddr().String()
	lines := func() string { return s.Output.String()[before:] }
	wait.Until(t, "the end of the connection in the log", func() bool {
		return strings.Contains(lines(), client+" Closing")
	})
	_, port, _ := net.SplitHostPort(s.address)
	_, clientPort, _ := net.SplitHostPort(client)
	text := response + "\n--- log\n" + lines()
	text = date.ReplaceAllString(text, "Date: DATE\r\n")
	text = logDate.ReplaceAllString(text, "[DATE]")
	text = temporary.ReplaceAllString(text, "/tmp/phpXXXXXX")
	text = staleError.ReplaceAllString(text, "$1 - ERROR\n")
	text = strings.NewReplacer(`"`+port+`"`, `"PORT"`, `"`+clientPort+`"`, `"CLIENT"`, client, "CLIENT").Replace(text)
	return text
}

var (
	date      = regexp.MustCompile(`Date: \w{3}, [^\r]* GMT\r\n`)
	logDate   = regexp.MustCompile(`\[\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\]`)
	temporary = regexp.MustCompile(`/tmp/php\w+`)
	// php logs the system's last error, of whatever call, behind these.
	staleError = regexp.MustCompile(`(\[(?:404|405|501|400)\]: .*) - [A-Z][a-z ]*\n`)
)
