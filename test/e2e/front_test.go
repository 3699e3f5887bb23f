//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// secret is in every file that must never be sent.
const secret = "never-to-be-sent"

// frontFiles are what DIR/www has beside the scripts of exercise, and what is beside it.
var frontFiles = map[string]string{
	"www/index.php": `<?php header('Content-Type: text/plain'); echo 'index ', $_SERVER['REQUEST_URI'], ' ', $_SERVER['PATH_INFO'] ?? '-', ' ',
		$_SERVER['SERVER_PROTOCOL'], ' ', $_SERVER['HTTPS'] ?? 'off', ' ', $_SERVER['HTTP_X_REQUEST_ID'] ?? '-'; // ` + secret,
	"www/plain.txt":            "0123456789abcdef",
	"www/style.css":            "body { margin: 0 }",
	"www/sub/index.html":       "<p>the index of a directory</p>",
	"www/.env":                 secret,
	"www/.git/config":          secret,
	"www/sub/.htpasswd":        secret,
	"www/old.php.bak":          secret,
	"www/old.php~":             secret,
	"www/part.inc":             secret,
	"www/more.phtml":           secret,
	"www/upper.PHP":            secret,
	"php-fpm.d/secret.conf":    secret,
	"private/report.txt":       "a report that PHP lets you have",
	"www/accel.php":            `<?php header('Content-Type: text/x-report'); header('X-Accel-Redirect: /internal/report.txt'); echo 'not this';`,
	"www/sendfile.php":         `<?php header('X-Sendfile: DIR/private/report.txt'); echo 'not this';`,
	"www/sendfile-outside.php": `<?php header('X-Sendfile: DIR/php-fpm.d/secret.conf'); echo 'not this';`,
	"www/hints.php": `<?php header('Link: </style.css>; rel=preload; as=style'); echo headers_send(103);
		header_remove('Link'); header('X-After: hints'); echo ' the page';`,
	"www/log.php": `<?php error_log('said into the log'); echo $_SERVER['HTTP_X_REQUEST_ID'];`,
	"www/events.php": `<?php header('Content-Type: text/event-stream'); while (ob_get_level()) ob_end_flush();
		echo "data: first\n\n"; flush();
		for ($i = 0; $i < 2000 && !file_exists('DIR/tmp/seen'); $i++) { usleep(10000); clearstatcache(); }
		echo "data: ", file_exists('DIR/tmp/seen') ? 'second' : 'the first was never seen', "\n\n";`,
	"www/dies.php": `<?php if (isset($_GET['write'])) { echo str_repeat('x', 100000); flush(); } posix_kill(getmypid(), 11); sleep(1);`,
	"www/vast.php": `<?php header('Content-Type: application/octet-stream'); $mega = str_repeat(pack('N', 0xdeadbeef), 1 << 18);
		for ($i = 0; $i < 1024; $i++) { echo $mega; flush(); }`,
	"www/take.php": `<?php header('Content-Type: text/plain'); if ($_FILES) { $f = $_FILES['file']; exit("$f[error] $f[size] " . hash_file('crc32b', $f['tmp_name'])); }
		$hash = hash_init('crc32b'); $size = 0; $in = fopen('php://input', 'r');
		while (($part = fread($in, 1 << 16)) !== '' && $part !== false) { $size += strlen($part); hash_update($hash, $part); }
		echo "0 $size ", hash_final($hash);`,
}

// frontPlace is a place with the files for the front, and the scripts of exercise.
func frontPlace(t *testing.T) *place {
	p := at(t)
	p.give("tmp")
	for name, text := range scripts {
		p.write("www/"+name+".php", text)
	}
	for name, text := range frontFiles {
		p.write(name, text)
	}
	return p
}

// TestFront has curl ask phpsapi's own HTTP front.
func TestFront(t *testing.T) {
	p := frontPlace(t)
	p.wanted = []string{"is not below the site's root", "SIGSEGV", "it crashed while ", ": #", "has ended 5 workers", "no answer from a worker"}
	d := p.door(`  access_format: json
  sendfile: ["DIR/private"]
sites:
  - root: DIR/www
    internal:
      /internal: DIR/private
`, "")
	url := "http://" + d.address
	for _, test := range []struct {
		name string
		run  func(t *testing.T, p *place, d *door, url string)
	}{
		{"versions", frontVersions}, {"routes", frontRoutes}, {"files", frontStaticFiles}, {"secrets", frontSecrets}, {"sendfile", frontSendfile},
		{"early hints", frontEarlyHints}, {"events", frontEvents}, {"request ids", frontRequestIDs}, {"certificate", frontCertificate},
		{"crash", frontCrash}, {"clients that leave", frontLeave},
	} {
		t.Run(test.name, func(t *testing.T) {
			inner := *p
			inner.t = t
			test.run(t, &inner, d, url)
		})
	}
}

// TestFrontAsNginx wants phpsapi alone to answer every kind of request as nginx with stock php-fpm does. Not its own are
// the names of the two. If there is no PATH_INFO nginx has an empty one, and where there is, it has no PATH_TRANSLATED
// and keeps it out of DOCUMENT_URI. A request without a body has an empty CONTENT_LENGTH and CONTENT_TYPE there. nginx
// believes what an Authorization says (REMOTE_USER), its server here has no name. The pages of errors are each program's
// own, and net/http has the reason phrases of the standard.
func TestFrontAsNginx(t *testing.T) {
	unlike := regexp.MustCompile(`(?m)^(Connection|Server|X-Request-Id): .*\n|^(SERVER_SOFTWARE|HTTP_X_REQUEST_ID|DOCUMENT_URI|PATH_TRANSLATED|REMOTE_USER|SERVER_NAME) = .*\n|^(PATH_INFO|CONTENT_(LENGTH|TYPE)) = \n` +
		`|^<.*\n|^Content-Type: \["text/html(; charset=utf-8)?"\]\n|^HTTP/1.1 418 .*\n`)
	exercise(t, stockFPM, filepath.Join(ours, "phpsapi"), []webServer{{name: "front", suffix: ".php", unlike: unlike, serve: func(p *place, php string) string {
		if php == stockFPM {
			p.fpm(php, "")
			return p.nginx(nginxFPM)
		}
		return p.door("  controller: none\n", "").address
	}}})
}

func frontVersions(t *testing.T, p *place, d *door, url string) {
	for _, c := range []struct {
		version, want string
		args          []string
	}{
		{"1", "HTTP/1.0 off", []string{"--http1.0", url + "/a/b?c=d"}},
		{"1.1", "HTTP/1.1 off", []string{"--http1.1", url + "/a/b?c=d"}},
		{"2", "HTTP/2.0 off", []string{"--http2-prior-knowledge", url + "/a/b?c=d"}},
		{"1.1", "HTTP/1.1 on", []string{"--http1.1", "https://" + d.secure + "/a/b?c=d"}},
		{"2", "HTTP/2.0 on", []string{"--http2", "https://" + d.secure + "/a/b?c=d"}},
	} {
		a := p.curl(c.args...)
		if a.Status != 200 || a.Version != c.version || !strings.HasPrefix(a.body, "index /a/b?c=d /a/b "+c.want) {
			t.Errorf("%q: %+v", c.args, a)
		}
	}
}

// frontRoutes: the file, else the directory's index, else index.php.
func frontRoutes(t *testing.T, p *place, _ *door, url string) {
	for path, want := range map[string]string{
		"/":                    "index / - ",
		"/index.php":           "index /index.php - ",
		"/index.php/more/path": "index /index.php/more/path /more/path ",
		"/no/such/page":        "index /no/such/page /no/such/page ",
		"/sub/":                "<p>the index of a directory</p>",
		"/sub/nothing":         "index /sub/nothing /sub/nothing ",
		"/plain.txt":           "0123456789abcdef",
		"/vars.php/in%20fo?q":  "PATH_INFO = /in fo",
	} {
		if a := p.curl(url + path); a.Status != 200 || !strings.Contains(a.body, want) {
			t.Errorf("%s: %d, and no %q in %q", path, a.Status, want, a.body)
		}
	}
	if a := p.curl(url + "/sub"); a.Status != 301 && a.Status != 308 || !strings.HasSuffix(a.header("location"), "/sub/") {
		t.Errorf("a directory without slash: %d %s", a.Status, a.heads)
	}
}

func frontStaticFiles(t *testing.T, p *place, _ *door, url string) {
	a := p.curl(url + "/plain.txt")
	tag, modified := a.header("etag"), a.header("last-modified")
	if tag == "" || modified == "" || !strings.HasPrefix(a.header("content-type"), "text/plain") || a.header("accept-ranges") != "bytes" {
		t.Errorf("a file's headers: %s", a.heads)
	}
	if css := p.curl(url + "/style.css"); !strings.HasPrefix(css.header("content-type"), "text/css") {
		t.Errorf("a style sheet's headers: %s", css.heads)
	}
	for _, c := range []struct {
		status int
		body   string
		args   []string
	}{
		{200, "", []string{"--head"}},
		{206, "2345", []string{"--range", "2-5"}},
		{206, "def", []string{"--range", "-3"}},
		{416, "", []string{"--range", "100-"}},
		{304, "", []string{"--header", "If-None-Match: " + tag}},
		{200, "0123456789abcdef", []string{"--header", `If-None-Match: "other"`}},
		{304, "", []string{"--header", "If-Modified-Since: " + modified}},
		{206, "2345", []string{"--range", "2-5", "--header", "If-Range: " + tag}},
		{200, "0123456789abcdef", []string{"--range", "2-5", "--header", `If-Range: "other"`}},
		{412, "", []string{"--header", `If-Match: "other"`}},
		{405, "", []string{"--request", "DELETE"}},
	} {
		for _, version := range []string{"--http1.1", "--http2-prior-knowledge"} {
			a := p.curl(append(c.args, version, url+"/plain.txt")...)
			if a.Status != c.status || c.body != "" && a.body != c.body {
				t.Errorf("%q %s: %d %q, not %d %q", c.args, version, a.Status, a.body, c.status, c.body)
			}
		}
	}
	if several := p.curl("--range", "0-1,4-5", url+"/plain.txt"); several.Status != 206 ||
		!strings.HasPrefix(several.header("content-type"), "multipart/byteranges") || !strings.Contains(several.body, "\r\n\r\n45\r\n") {
		t.Errorf("two ranges: %s%s", several.heads, several.body)
	}
}

// frontSecrets: no dot files, no PHP source, nothing from outside, however the address is written.
func frontSecrets(t *testing.T, p *place, _ *door, url string) {
	for _, path := range []string{
		"/.env", "/.git/config", "/sub/.htpasswd", "/%2eenv", "/sub/%2e%68tpasswd", "/sub/../.env", "//.env", "/.//.env",
		"/old.php.bak", "/old.php~", "/part.inc", "/more.phtml", "/upper.PHP", "/index.php%00.txt", "/index.php%20", "/index.php.", "/index%2ephp/",
		"/../php-fpm.d/secret.conf", "/..%2fphp-fpm.d/secret.conf", "/%2e%2e/php-fpm.d/secret.conf", "/sub/..%5c..%5cphp-fpm.d/secret.conf",
		"/index.php/../../php-fpm.d/secret.conf", "/internal/report.txt", "/index.php::$DATA",
	} {
		for _, version := range []string{"--http1.1", "--http2-prior-knowledge"} {
			a := p.curl(version, url+path)
			if strings.Contains(a.body, secret) || strings.Contains(a.body, "a report") || strings.Contains(a.body, "<?php") {
				t.Errorf("%s was sent: %s%s", path, a.heads, a.body)
			}
		}
	}
}

func frontSendfile(t *testing.T, p *place, _ *door, url string) {
	const report = "a report that PHP lets you have"
	for _, path := range []string{"/accel.php", "/sendfile.php"} {
		a := p.curl(url + path)
		if a.Status != 200 || a.body != report || strings.Contains(strings.ToLower(a.heads), "x-accel") || strings.Contains(strings.ToLower(a.heads), "x-sendfile") {
			t.Errorf("%s: %s%s", path, a.heads, a.body)
		}
		if part := p.curl("--range", "2-7", url+path); part.Status != 206 || part.body != "report" {
			t.Errorf("a part of %s: %s%s", path, part.heads, part.body)
		}
	}
	if a := p.curl(url + "/accel.php"); !strings.HasPrefix(a.header("content-type"), "text/x-report") {
		t.Errorf("the script's own content type is gone: %s", a.heads)
	}
	if a := p.curl(url + "/sendfile-outside.php"); a.Status < 400 || strings.Contains(a.body, secret) {
		t.Errorf("a file from outside: %s%s", a.heads, a.body)
	}
}

func frontEarlyHints(t *testing.T, p *place, d *door, url string) {
	for _, args := range [][]string{{"--http1.1", url}, {"--http2-prior-knowledge", url}, {"--http2", "https://" + d.secure}} {
		args[len(args)-1] += "/hints.php"
		a := p.curl(args...)
		hints, final, found := strings.Cut(strings.ToLower(a.heads), "\r\n\r\n")
		if !found || !strings.Contains(hints, " 103") || !strings.Contains(hints, "link: </style.css>; rel=preload; as=style") ||
			!strings.Contains(final, " 200") || strings.Contains(final, "link:") || !strings.Contains(final, "x-after: hints") || !strings.Contains(a.body, " the page") {
			t.Errorf("%q: %s%s", args, a.heads, a.body)
		}
	}
}

// frontEvents: the first event must be here before the script says the second.
func frontEvents(t *testing.T, p *place, d *door, url string) {
	for _, args := range [][]string{{"--http1.1", url}, {"--http2-prior-knowledge", url}, {"--http2", "https://" + d.secure}} {
		os.Remove(p.path("tmp/seen"))
		args[len(args)-1] += "/events.php"
		cmd := exec.Command("curl", append([]string{"--silent", "--no-buffer", "--insecure", "--max-time", "60"}, args...)...)
		events, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		first := make([]byte, len("data: first\n\n"))
		n, _ := events.Read(first)
		p.write("tmp/seen", "")
		rest := make([]byte, 1000)
		m, _ := events.Read(rest)
		if err := cmd.Wait(); err != nil || string(first[:n]) != "data: first\n\n" || string(rest[:m]) != "data: second\n\n" {
			t.Errorf("%q: %v: %q, then %q", args, err, first[:n], rest[:m])
		}
	}
}

// frontRequestIDs: taken or given, in the response, in $_SERVER, in the access log and in what the script logs.
func frontRequestIDs(t *testing.T, p *place, _ *door, url string) {
	for given, taken := range map[string]bool{"": false, "taken-from_the.client": true, `no "id" at all`: false, strings.Repeat("x", 500): false} {
		a := p.curl("--header", "X-Request-Id: "+given, url+"/log.php")
		id := a.header("x-request-id")
		if len(id) < 16 || (id == given) != taken || a.body != id {
			t.Errorf("the id of a request with id %q: %s%s", given, a.heads, a.body)
			continue
		}
		for _, log := range []struct{ name, want string }{{"fpm-error.log", "said into the log"}, {"front-access.log", "/log.php"}} {
			p.eventually(log.name+" has the request's id", func() bool {
				return regexp.MustCompile(`(?m)^.*` + id + `.*` + log.want + `|^.*` + log.want + `.*` + id).MatchString(p.log(log.name))
			})
		}
	}
}

// frontCertificate: another certificate in the place of the first is taken up without an order.
func frontCertificate(t *testing.T, p *place, d *door, _ string) {
	p.certificate(77)
	p.eventually("the new certificate is used", func() bool {
		client := &http.Client{Transport: insecure()}
		response, err := client.Get("https://" + d.secure + "/plain.txt")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.TLS.PeerCertificates[0].SerialNumber.Int64() == 77
	})
}

// frontCrash: a worker that dies costs the current request, and no other.
func frontCrash(t *testing.T, p *place, _ *door, url string) {
	for range 3 {
		if a := p.curl(url + "/dies.php"); a.Status != http.StatusBadGateway {
			t.Errorf("the request whose worker died: %s", a.heads)
		}
		if a := p.curl(url + "/"); a.Status != http.StatusOK {
			t.Errorf("the next request: %s%s", a.heads, a.body)
		}
	}
	// Of an answer that has begun the rest is missing, and the client can tell.
	for _, version := range []string{"--http1.1", "--http2-prior-knowledge"} {
		if said, err := exec.Command("curl", "--silent", "--output", "/dev/null", version, url+"/dies.php?write").CombinedOutput(); err == nil {
			t.Errorf("%s: half an answer was taken for a whole one: %s", version, said)
		}
	}
}

func frontLeave(t *testing.T, p *place, d *door, _ string) {
	v := &visitor{site: visit(t, d.address), suffix: ".php"}
	v.leaveWhileSending()
	v.leaveWhileReading(p, false)
	v.ask("GET", "/form?q=last", nil, "", "visits 1")
}

// eventually waits until something is so.
func (p *place) eventually(what string, so func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if so() {
			return
		}
	}
	p.t.Error(fmt.Sprint("never: ", what))
}
