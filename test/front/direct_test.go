package front

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
)

// directScripts are what the ways of answering are compared by.
var directScripts = map[string]string{
	"index.php":      `<?php echo "index ", $_SERVER["PATH_INFO"] ?? "none";`,
	"server.php":     `<?php header("Content-Type: text/plain"); $s = $_SERVER; unset($s["REQUEST_TIME"], $s["REQUEST_TIME_FLOAT"], $s["REMOTE_PORT"], $s["SERVER_PORT"], $s["HTTP_HOST"], $s["SERVER_ADDR"]); ksort($s); foreach ($s as $k => $v) { if ($k != "HTTP_X_REQUEST_ID" || strlen($v) != 32) echo "$k=", is_array($v) ? json_encode($v) : $v, "\n"; } echo json_encode([$_GET, $_POST, $_COOKIE, array_change_key_case(getallheaders())["x-test"] ?? null]), file_get_contents("php://input");`,
	"status.php":     `<?php http_response_code((int)$_GET["s"]); if (isset($_GET["l"])) header("Content-Length: " . $_GET["l"]); if ($_GET["s"] != 204 && $_GET["s"] != 304) echo "status";`,
	"headers.php":    `<?php header("X-B: 2"); header("X-A: 1"); header("x-b: 3", false); header("Set-Cookie: a=b"); header("Set-Cookie: c=d", false); header("Connection: close"); header("Transfer-Encoding: chunked"); header("Server: me"); header("Keep-Alive: 5"); header("ETag: \"x\""); echo "headers";`,
	"redirect.php":   `<?php header("Location: /elsewhere"); echo "gone there";`,
	"cgistatus.php":  `<?php header("Status: 418 Teapot"); echo "short and stout";`,
	"badlength.php":  `<?php header("Content-Length: 12x"); echo "hello";`,
	"toolong.php":    `<?php header("Content-Length: 3"); echo "hello";`,
	"notype.php":     `<?php ini_set("default_mimetype", ""); header_remove("Content-Type"); echo "untyped";`,
	"empty.php":      `<?php`,
	"flush.php":      `<?php echo "one"; ob_flush(); flush(); echo "two";`,
	"long.php":       `<?php for ($i = 0; $i < 20; $i++) echo str_repeat(chr(65 + $i), 1 << 16);`,
	"sized.php":      `<?php header("Content-Length: 100000"); echo str_repeat("x", 100000);`,
	"finish.php":     `<?php echo "done"; fastcgi_finish_request(); echo "not seen"; usleep(10000);`,
	"hints.php":      `<?php header("Link: </a.css>; rel=preload"); headers_send(103); header_remove("Link"); header("X-Late: 1"); echo "hinted";`,
	"fatal.php":      `<?php undefined_function();`,
	"exit.php":       `<?php echo "before"; exit(3);`,
	"sendfile.php":   `<?php header("X-Sendfile: " . __DIR__ . "/page.txt"); header("X-Kept: 1"); echo "not this";`,
	"nosendfile.php": `<?php header("X-Sendfile: /etc/passwd"); echo "not this";`,
	"upload.php":     `<?php echo json_encode([$_POST, array_map(fn($f) => [$f["name"], $f["size"], $f["error"]], $_FILES)]);`,
	"auth.php":       `<?php echo $_SERVER["PHP_AUTH_USER"] ?? "-", ":", $_SERVER["PHP_AUTH_PW"] ?? "-";`,
	"page.txt":       "text\n",
	"style.css":      "body { color: red }\n",
	"page.html":      "<p>page",
	"data.unknown":   "\x00\x01",
	"secret.sql":     "select 1",
	"x.php.bak":      "<?php source",
	".hidden":        "secret",
	"dir/index.html": "<p>index of dir",
	"sub/index.php":  `<?php echo "sub ", $_SERVER["SCRIPT_NAME"], " ", $_SERVER["PATH_INFO"] ?? "none";`,
}

// directRequests are raw requests; HOST stands for the address.
func directRequests() (all []string) {
	get := func(path string, headers ...string) {
		all = append(all, "GET "+path+" HTTP/1.1\r\nHost: HOST\r\n"+strings.Join(append(headers, ""), "\r\n")+"\r\n")
	}
	for _, path := range []string{"/", "/server.php?a=1&b[]=2&c=%20x", "/server.php/path/info?q", "/no/such/page?x=1", "/sub", "/sub/", "/sub/index.php/x",
		"/status.php?s=200", "/status.php?s=204", "/status.php?s=304", "/status.php?s=404", "/status.php?s=500", "/status.php?s=299", "/status.php?s=200&l=6",
		"/headers.php", "/redirect.php", "/cgistatus.php", "/badlength.php", "/toolong.php", "/notype.php", "/empty.php", "/flush.php", "/long.php",
		"/sized.php", "/finish.php", "/hints.php", "/fatal.php", "/exit.php", "/sendfile.php", "/nosendfile.php", "/auth.php", "/page.txt", "/style.css", "/page.html",
		"/data.unknown", "/secret.sql", "/x.php.bak", "/.hidden", "/dir/", "/dir", "/dir/../page.txt", "/../page.txt", "/a//b", "/%70age.txt", "/page.txt%00", "/%zz",
		"/caf%C3%A9", "/server.php?x=%00", "/page.txt?query", "/sub/%2e%2e/page.txt", "/index.php", "/ping"} {
		get(path)
		all = append(all, "HEAD "+path+" HTTP/1.1\r\nHost: HOST\r\n\r\n")
		get(path, "Connection: close")
	}
	get("/server.php", "User-Agent: test/1", "Accept: */*", "Cookie: a=b", "Cookie: c=d", "X-Test: 1", "X-Test: 2", "X_Test: 3", "Proxy: evil", "Accept-Language: de")
	get("/server.php", "X-Request-Id: given-1", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-Proto: https", "Forwarded: for=5.6.7.8")
	get("/server.php", "X-Request-Id: bad id")
	get("/server.php", "X-Empty:", "X-Spaces:   x  y  ", "x-lower: 1")
	get("/auth.php", "Authorization: Basic dXNlcjpwYXNz")
	get("/page.txt", "If-Modified-Since: Fri, 31 Dec 2100 00:00:00 GMT")
	get("/page.txt", `If-None-Match: "nothing"`)
	get("/page.txt", "If-None-Match: *")
	get("/page.txt", "Range: bytes=1-2")
	get("/page.txt", "Accept-Encoding: gzip, br")
	get("/server.php", "Host: HOST") // twice
	get("/server.php", "Expect: 100-continue")
	get("/server.php", "Bad Header: x")
	get("/server.php", "X-Folded: a", " b")
	get("/server.php", "Connection: keep-alive, x-test", "X-Test: hop")
	get("/server.php", "Upgrade: h2c", "Connection: Upgrade")
	post := func(path, kind, body string, headers ...string) {
		all = append(all, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: HOST\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n%s", path, kind, len(body),
			strings.Join(append(headers, ""), "\r\n"), body))
	}
	post("/server.php", "application/x-www-form-urlencoded", "a=1&b=2")
	post("/server.php", "application/json", `{"a":1}`)
	post("/server.php", "text/plain", "")
	post("/server.php", "text/plain", strings.Repeat("y", 20000))
	post("/server.php", "text/plain", strings.Repeat("z", 200000))
	post("/page.txt", "text/plain", "x")
	post("/no/such", "text/plain", "x")
	post("/upload.php", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n\r\nhello\r\n--b--\r\n")
	post("/status.php?s=200", "text/plain", "unread body")
	return append(all,
		"PUT /server.php HTTP/1.1\r\nHost: HOST\r\nContent-Length: 3\r\n\r\nput",
		"DELETE /server.php HTTP/1.1\r\nHost: HOST\r\n\r\n",
		"PATCH /server.php HTTP/1.1\r\nHost: HOST\r\nContent-Length: 1\r\n\r\np",
		"OPTIONS /server.php HTTP/1.1\r\nHost: HOST\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: HOST\r\n\r\n",
		"TRACE / HTTP/1.1\r\nHost: HOST\r\n\r\n",
		"CONNECT HOST HTTP/1.1\r\nHost: HOST\r\n\r\n",
		"FOO /server.php HTTP/1.1\r\nHost: HOST\r\n\r\n",
		"get /server.php HTTP/1.1\r\nHost: HOST\r\n\r\n",
		"GET http://HOST/server.php HTTP/1.1\r\nHost: other\r\n\r\n",
		"GET /server.php HTTP/1.0\r\n\r\n",
		"GET /server.php HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		"GET /server.php HTTP/1.1\r\n\r\n",
		"GET /server.php HTTP/2.0\r\nHost: HOST\r\n\r\n",
		"GET  /server.php HTTP/1.1\r\nHost: HOST\r\n\r\n",
		"GET /server.php\r\n\r\n",
		"\r\nGET /server.php HTTP/1.1\r\nHost: HOST\r\n\r\n",
		"GET /server.php HTTP/1.1\nHost: HOST\n\n",
		"GET /server.php HTTP/1.1\r\nHost : HOST\r\n\r\n",
		"GET /server.php HTTP/1.1\r\nHost: a b\r\n\r\n",
		"GET /server.php HTTP/1.1\r\nHost: HOST\r\nX: \x01\r\n\r\n",
		"GET /caf\xe9.php HTTP/1.1\r\nHost: HOST\r\n\r\n",
		"POST /server.php HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"POST /server.php HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"POST /server.php HTTP/1.1\r\nHost: HOST\r\nContent-Length: +3\r\n\r\nabc",
		"POST /server.php HTTP/1.1\r\nHost: HOST\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
		"POST /server.php HTTP/1.1\r\nHost: HOST\r\nContent-Length: 3, 3\r\n\r\nabc",
		"POST /server.php HTTP/1.1\r\nHost: HOST\r\nContent-Length: 99999999999\r\n\r\nabc",
		"GET /server.php HTTP/1.1\r\nHost: HOST\r\nContent-Length: 3\r\n\r\nabc",
		"GET /server.php HTTP/1.1\r\nHost: HOST\r\nCookie: "+strings.Repeat("c", 20000)+"\r\n\r\n",
		"GET /server.php HTTP/1.1\r\nHost: HOST\r\nCookie: "+strings.Repeat("c", 200000)+"\r\n\r\n",
	)
}

// talkRaw sends a raw request, and then another one on the same connection, and returns what comes.
func talkRaw(t *testing.T, address, raw string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	raw = strings.ReplaceAll(raw, "HOST", address)
	go conn.Write([]byte(raw))
	method, _, _ := strings.Cut(strings.TrimSpace(raw), " ")
	r := bufio.NewReader(conn)
	answer := readAnswer(r, method)
	for strings.HasPrefix(answer, "HTTP/1.1 1") {
		answer += readAnswer(r, method)
		if strings.Count(answer, "HTTP/1.1 ") > strings.Count(answer, "HTTP/1.1 1") {
			break
		}
	}
	if strings.Contains(answer, "\nConnection: close\r") {
		_, err := r.ReadByte()
		answer += fmt.Sprintf("\n--- then [%v]", err)
	} else if _, err := conn.Write([]byte("GET /page.txt HTTP/1.1\r\nHost: " + address + "\r\n\r\n")); err == nil {
		answer += "\n--- then\n" + readAnswer(r, "GET")
	}
	return reset.ReplaceAllString(answer, "[EOF]") // which of the two it is depends on what has come meanwhile
}

var reset = regexp.MustCompile(`((\n--- then ?\n?)?(\[read tcp [^]]* connection reset by peer\]|\[EOF\]))+`)

var changing = regexp.MustCompile(`(?m)^(Date: |X-Request-Id: )[^\n]*|Request [0-9a-f]{32}$|\b[0-9a-f]{60}\b`) // the last is the border between ranges

// Whether the end of a response is known when its head is sent is a matter of time where the script flushes, or prints much.
var (
	flushes = regexp.MustCompile(`^[A-Z]+ /(flush|long|finish)\.php`)
	framing = regexp.MustCompile(`(?m)^(Content-Length|Transfer-Encoding): [^\n]*\n`)
)

// readAnswer reads a response: its head as it is, but for what differs from request to request, and its body without chunks.
func readAnswer(r *bufio.Reader, method string) string {
	var head bytes.Buffer
	for {
		line, err := r.ReadString('\n')
		head.WriteString(line)
		if err != nil {
			return head.String() + fmt.Sprintf("[%v]", err)
		}
		if line == "\r\n" {
			break
		}
	}
	response, err := http.ReadResponse(bufio.NewReader(io.MultiReader(bytes.NewReader(head.Bytes()), r)), &http.Request{Method: method})
	if err != nil {
		return head.String() + err.Error()
	}
	var body []byte
	if response.StatusCode >= 200 {
		body, err = readBody(r, response, method)
		if err != nil {
			body = append(body, fmt.Sprintf("[%v]", err)...)
		}
	}
	return changing.ReplaceAllString(head.String()+string(body), "$1...")
}

// readBody reads a response's body from r.
func readBody(r *bufio.Reader, response *http.Response, method string) ([]byte, error) {
	request := &http.Request{Method: method}
	head := "HTTP/1.1 " + response.Status + "\r\n"
	switch {
	case len(response.TransferEncoding) > 0:
		head += "Transfer-Encoding: chunked\r\n"
	case response.ContentLength >= 0:
		head += fmt.Sprintf("Content-Length: %d\r\n", response.ContentLength)
	}
	again, err := http.ReadResponse(bufio.NewReaderSize(io.MultiReader(strings.NewReader(head+"\r\n"), oneByOne{r}), 16), request)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(again.Body)
}

// oneByOne reads a byte at a time, so that nothing of the next response is read.
type oneByOne struct{ r io.Reader }

func (o oneByOne) Read(p []byte) (int, error) { return o.r.Read(p[:min(len(p), 1)]) }

// Workers that speak HTTP answer as the front does.
func TestDirectAnswersAreTheFronts(t *testing.T) {
	t.Parallel()
	root := serve.Dir(t)
	files.Fill(t, root, directScripts)
	compareDirect(t, root, directRequests())
}

// compareDirect sends requests to a service whose front accepts and to one whose workers do, and compares the answers.
func compareDirect(t *testing.T, root string, requests []string, environment ...string) {
	t.Helper()
	var addresses [2]string
	for i, direct := range []string{"off", "auto"} {
		dir := serve.Dir(t)
		file := filepath.Join(dir, "fpm.conf")
		conf := serve.FPMConf(dir, "", "pm = static\npm.max_children = 2\npm.status_path = /status\nping.path = /ping\n")
		files.Write(t, file, strings.Replace(conf, serve.Log(dir), "/dev/stderr", 1))
		address, err := serve.FreeAddress()
		if err != nil {
			t.Fatal(err)
		}
		addresses[i] = address
		start(t, address, append(environment, "PHPSAPI_HTTP_DIRECT="+direct), "-F", "-y", file, "--http", address, "--root", root)
	}
	for _, raw := range requests {
		want, got := talkRaw(t, addresses[0], raw), talkRaw(t, addresses[1], raw)
		got = strings.ReplaceAll(got, addresses[1], addresses[0])
		if flushes.MatchString(raw) || len(raw) > 16<<10 {
			got, want = framing.ReplaceAllString(got, ""), framing.ReplaceAllString(want, "")
		}
		if got != want {
			t.Errorf("%.300q:\ngot  %.3000q\nwant %.3000q", raw, got, want)
		}
	}
}
