//go:build e2e

package e2e

import (
	"bytes"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// scripts are what a web server is asked for, without the suffix of their names.
var scripts = map[string]string{
	"form": `<?php header('Content-Type: text/plain');
		setcookie('visits', $visits = 1 + ($_COOKIE['visits'] ?? 0)); setcookie('other', 'a b;c', httponly: true);
		echo PHP_SAPI, "\n$_SERVER[REQUEST_METHOD]\nvisits $visits\n", json_encode([$_GET, $_POST]);`,
	"vars": `<?php header('Content-Type: text/plain'); ksort($_SERVER); unset($_SERVER['REQUEST_TIME'], $_SERVER['REQUEST_TIME_FLOAT']);
		foreach ($_SERVER as $name => $value) echo "$name = ", is_array($value) ? json_encode($value) : $value, "\n";
		echo 'getenv ', getenv('PATH_INFO'), ' ', getenv('SCRIPT_NAME'), ' ', json_encode(getenv('HTTP_PROXY')), "\n";
		echo 'getallheaders ', getallheaders()['X-Own'] ?? '', "\n", getcwd(), "\n", __FILE__, "\n";`,
	"upload": `<?php header('Content-Type: text/plain'); $file = $_FILES['file'];
		echo json_encode([$_POST, $file['name'], $file['type'], $file['error'], $file['size'], is_uploaded_file($file['tmp_name']),
			sha1_file($file['tmp_name'])]);`,
	"input": `<?php header('Content-Type: text/plain'); $input = file_get_contents('php://input');
		echo $_SERVER['REQUEST_METHOD'], ' ', strlen($input), ' ', sha1($input);`,
	"redirect": `<?php header('Location: http://' . $_SERVER['HTTP_HOST'] . '/form?q=redirected'); echo 'elsewhere';`,
	"moved":    `<?php header('Location: http://' . $_SERVER['HTTP_HOST'] . '/form', true, 308);`,
	"status":   `<?php http_response_code((int) $_GET['code']); header('X-More: a'); header('X-More: b', false); echo 'status ', $_GET['code'];`,
	"line":     `<?php header('HTTP/1.1 418 I am a teapot'); echo 'teapot';`,
	"fatal":    `<?php header('Content-Type: text/plain'); ini_set('display_errors', 1); ini_set('html_errors', 0); missing();`,
	"silent":   `<?php`,
	"long": `<?php header('Content-Type: application/octet-stream');
		for ($i = 0; $i < 800; $i++) { echo str_repeat(sprintf('%08d', $i), 8192); if ($i % 100 == 0) { flush(); } }`,
	"gone": `<?php file_put_contents('DIR/tmp/running', getmypid());
		register_shutdown_function(fn () => file_put_contents('DIR/tmp/gone', connection_status()));
		for ($end = time() + 20; time() < $end;) { echo str_repeat('x', 65536); flush(); usleep(1000); }
		file_put_contents('DIR/tmp/never', '');`,
}

// A webServer is one that has PHP answer.
type webServer struct {
	name   string
	suffix string // of scripts' addresses
	// serve starts what is needed, with PHP as the program php, and says where it listens.
	serve func(p *place, php string) string
	// perRequest is for CGI: when the client is gone, so is the process.
	perRequest bool
	zygote     bool // CGI programs may hand their requests over
	// unlike is for lines of answers that are not compared.
	unlike *regexp.Regexp
}

// exercise has web servers answer every kind of request from stock PHP, which shows that the test is right, and from phpsapi,
// and wants the same answers.
func exercise(t *testing.T, stock, ours string, servers []webServer) {
	for _, f := range servers {
		t.Run(f.name, func(t *testing.T) {
			var expected, got string
			t.Run("stock", func(t *testing.T) { expected = f.answers(t, stock) })
			t.Run("phpsapi", func(t *testing.T) { got = f.answers(t, ours) })
			if f.unlike != nil {
				expected, got = f.unlike.ReplaceAllString(expected, ""), f.unlike.ReplaceAllString(got, "")
			}
			if got != expected {
				t.Errorf("phpsapi's answers are not those of stock PHP:\n%s", difference(expected, got))
			}
		})
	}
}

// answers are those to all requests, without what differs from run to run.
func (f *webServer) answers(t *testing.T, php string) string {
	p := at(t)
	p.give("tmp")
	for name, text := range scripts {
		p.write("www/"+name+f.suffix, scriptOf(f.suffix, php, text))
		if err := os.Chmod(p.path("www/"+name+f.suffix), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if p.zygote = f.zygote; p.zygote {
		p.give("zygote")
		p.write("www/parent"+f.suffix, scriptOf(f.suffix, php, `<?php readfile('/proc/' . posix_getppid() . '/cmdline');`))
		os.Chmod(p.path("www/parent"+f.suffix), 0o755)
	}
	address := f.serve(p, php)
	v := &visitor{site: visit(t, address), suffix: f.suffix}
	v.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if f.zygote && php != stockCGI {
		v.awaitZygote()
	}
	v.all(p, f.perRequest)
	if f.zygote && php != stockCGI {
		p.awaitEnd("zygote/socket")
	}
	_, port, _ := net.SplitHostPort(address)
	said := strings.NewReplacer(p.dir, "DIR", address, "ADDRESS", php, "PHP").Replace(v.said.String())
	said = regexp.MustCompile(`(?m)^((SERVER|REDIRECT)_PORT) = `+port+`$`).ReplaceAllString(said, "$1 = PORT")
	return regexp.MustCompile(`(?m)^(REMOTE_PORT|UNIQUE_ID|REDIRECT_UNIQUE_ID|FCGI_.*) = .*\n`).ReplaceAllString(said, "")
}

// scriptOf is a script's text, which the web server executes where its suffix is .cgi.
func scriptOf(suffix, php, text string) string {
	if suffix == ".cgi" {
		return "#!" + php + "\n" + text
	}
	return text
}

// awaitZygote asks until a zygote's child answers.
func (v *visitor) awaitZygote() {
	v.t.Helper()
	for range 200 {
		response, err := v.browser.Get(v.at("/parent" + v.suffix))
		if err != nil {
			v.t.Fatal(err)
		}
		answer, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if bytes.Contains(answer, []byte("cgi: zygote")) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	v.t.Error("no request was handed over")
}

// awaitEnd waits until nobody uses the file, which an idle zygote removes.
func (p *place) awaitEnd(name string) {
	p.t.Helper()
	for range 500 {
		if _, err := os.Lstat(p.path(name)); errors.Is(err, os.ErrNotExist) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	p.t.Errorf("%s is there long after the last request", name)
}

// A visitor notes what it was answered.
type visitor struct {
	*site
	suffix string
	said   strings.Builder
}

func (v *visitor) all(p *place, perRequest bool) {
	v.ask("GET", "/form?q=1&q2[]=a%20b", nil, "", "visits 1")
	v.ask("POST", "/form?q=2", strings.NewReader(url.Values{"text": {"ünïcode & more"}, "list[]": {"1", "2"}}.Encode()),
		"application/x-www-form-urlencoded", "visits 2")
	v.ask("HEAD", "/form", nil, "", "")
	v.ask("GET", "/vars/path/in%20fo?q=a+b", nil, "", "/path/in fo")
	v.ask("GET", "/vars", nil, "", "SCRIPT_NAME = /vars"+v.suffix)
	v.ask("GET", "/vars/", nil, "", "")
	for _, query := range []string{"-s", "-d+display_errors%3D1", "%ADd+auto_prepend_file%3Dphp://input", "+-s", "=-s", "a"} {
		v.ask("GET", "/vars?"+query, nil, "", "QUERY_STRING = "+query)
	}
	v.ask("GET", "/redirect", nil, "", "")
	v.ask("GET", "/moved", nil, "", "")
	for _, code := range []string{"201", "204", "304", "404", "503"} {
		v.ask("GET", "/status?code="+code, nil, "", "")
	}
	v.ask("GET", "/line", nil, "", "teapot")
	v.ask("GET", "/fatal", nil, "", "Call to undefined function missing()")
	v.ask("GET", "/silent", nil, "", "")
	v.ask("GET", "/missing", nil, "", "")
	v.ask("GET", "/missing/path", nil, "", "")

	file := make([]byte, 20<<20)
	rand.New(rand.NewSource(1)).Read(file)
	sum := fmt.Sprintf("%x", sha1.Sum(file))
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	form.SetBoundary("a-boundary-that-is-always-the-same")
	form.WriteField("text", "beside the file")
	part, _ := form.CreateFormFile("file", "twenty megabytes")
	part.Write(file)
	form.Close()
	v.ask("POST", "/upload", &body, form.FormDataContentType(), sum)
	v.ask("PUT", "/input", bytes.NewReader(file), "application/octet-stream", sum)
	v.ask("DELETE", "/input", nil, "", "DELETE 0 ")
	v.ask("POST", "/input", strings.NewReader(""), "text/plain", "POST 0 ")
	v.askLong()

	v.leaveWhileSending()
	v.leaveWhileReading(p, perRequest)
	v.ask("GET", "/form?q=last", nil, "", "visits 4") // of which one was HEAD's
}

// ask sends a request and notes the answer, in which want must be. The script's suffix is put in its place.
func (v *visitor) ask(method, path string, body io.Reader, contentType, want string) {
	v.t.Helper()
	path = regexp.MustCompile(`^/\w+`).ReplaceAllString(path, "$0"+v.suffix)
	request, err := http.NewRequest(method, v.at(path), body)
	if err != nil {
		v.t.Fatal(err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	request.Header.Set("X-Own", "own")
	request.Header.Set("Proxy", "http://127.0.0.1:9/") // no script may find HTTP_PROXY in its environment
	request.SetBasicAuth("somebody", "with:secret")
	response, err := v.browser.Do(request)
	if err != nil {
		v.t.Errorf("%s %s: %v", method, path, err)
		return
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		v.t.Errorf("%s %s: %v", method, path, err)
	}
	if !bytes.Contains(answer, []byte(want)) {
		v.t.Errorf("%s %s: %s, and no %q in:\n%.3000s", method, path, response.Status, want, answer)
	}
	fmt.Fprintf(&v.said, "--- %s %s\n%s %s\n", method, path, response.Proto, response.Status)
	response.Header.Del("Date")
	// Some servers add these if all of the answer was there at once.
	response.Header.Del("Content-Length")
	response.Header.Del("Accept-Ranges")
	var names []string
	for name := range response.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&v.said, "%s: %q\n", name, response.Header[name])
	}
	fmt.Fprintf(&v.said, "\n%s\n", answer)
}

// askLong fetches 50 MB that come in chunks.
func (v *visitor) askLong() {
	response, err := v.browser.Get(v.at("/long" + v.suffix))
	if err != nil {
		v.t.Error(err)
		return
	}
	defer response.Body.Close()
	sum := sha1.New()
	size, err := io.Copy(sum, response.Body)
	want := sha1.New()
	for i := range 800 {
		want.Write(bytes.Repeat(fmt.Appendf(nil, "%08d", i), 8192))
	}
	if err != nil || size != 800*65536 || !bytes.Equal(sum.Sum(nil), want.Sum(nil)) {
		v.t.Errorf("the long answer: %d bytes of %d, %v", size, 800*65536, err)
	}
	if !slices.Contains(response.TransferEncoding, "chunked") {
		v.t.Errorf("the long answer is not chunked: %v", response.Header)
	}
}

// leaveWhileSending closes the connection after a twentieth of a body.
func (v *visitor) leaveWhileSending() {
	conn := v.dial()
	defer conn.Close()
	fmt.Fprintf(conn, "PUT /input%s HTTP/1.1\r\nHost: %s\r\nContent-Type: text/plain\r\nContent-Length: 20000000\r\n\r\n", v.suffix, v.host())
	conn.Write(make([]byte, 1000000))
}

// leaveWhileReading closes the connection while a script writes, which must end by that: an fpm's by PHP's own way of
// aborting it, a CGI program by its death.
func (v *visitor) leaveWhileReading(p *place, perRequest bool) {
	v.t.Helper()
	conn := v.dial()
	fmt.Fprintf(conn, "GET /gone%s HTTP/1.1\r\nHost: %s\r\n\r\n", v.suffix, v.host())
	_, err := io.CopyN(io.Discard, conn, 1<<20)
	conn.Close()
	if err != nil {
		v.t.Errorf("the script whose client leaves: %v", err)
		return
	}
	pid, err := strconv.Atoi(p.log("tmp/running"))
	if err != nil {
		v.t.Errorf("the script whose client leaves: %v", err)
		return
	}
	for range 500 {
		if perRequest && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || !perRequest && p.log("tmp/gone") != "" {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if perRequest && syscall.Kill(pid, 0) == nil {
		v.t.Errorf("process %d is there long after its client left", pid)
	}
	if gone := p.log("tmp/gone"); !perRequest && gone != "1" {
		v.t.Errorf("the script whose client left ended with connection_status %q", gone)
	}
	if _, err := os.Stat(p.path("tmp/never")); err == nil {
		v.t.Error("the script whose client left wrote on and on")
	}
}

func (v *visitor) host() string {
	return strings.TrimPrefix(v.url, "http://")
}

func (v *visitor) dial() net.Conn {
	conn, err := net.DialTimeout("tcp", v.host(), 5*time.Second)
	if err != nil {
		v.t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	return conn
}

// difference shows the answers that differ.
func difference(expected, got string) string {
	want := map[string]string{}
	for _, answer := range strings.Split(expected, "--- ") {
		name, _, _ := strings.Cut(answer, "\n")
		want[name] = answer
	}
	var differ strings.Builder
	for _, answer := range strings.Split(got, "--- ") {
		name, _, _ := strings.Cut(answer, "\n")
		if answer == want[name] {
			continue
		}
		fmt.Fprintf(&differ, "%s\n", name)
		theirs := strings.Split(want[name], "\n")
		lines := strings.Split(answer, "\n")
		for _, line := range theirs {
			if !slices.Contains(lines, line) {
				fmt.Fprintf(&differ, "\t-%s\n", line)
			}
		}
		for _, line := range lines {
			if !slices.Contains(theirs, line) {
				fmt.Fprintf(&differ, "\t+%s\n", line)
			}
		}
	}
	return differ.String()
}
