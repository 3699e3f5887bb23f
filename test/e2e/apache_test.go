//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http/httputil"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// An apacheMode is a way to have PHP in Apache's httpd.
type apacheMode struct {
	name string
	mpm  string
	// load are the lines of settings that load PHP.
	load string
}

// modPHP is Debian's libapache2-mod-php, which the others are compared with.
var modPHP = apacheMode{"mod_php", "prefork", "LoadModule php_module /usr/lib/apache2/modules/libphp" + phpVersion + ".so\n"}

// apacheModes are those that are compared. The first is mod_php itself once more: what differs then is what changes from run to run, and must be
// named in apacheVaries.
var apacheModes = []apacheMode{
	{"mod_php once more", modPHP.mpm, modPHP.load},
	inProcess,
}

// apacheModule is what make apache has made.
var apacheModule, _ = filepath.Abs("../../build/apache/mod_phpsapi.so")

// mpmSettings keep httpd small.
var mpmSettings = map[string]string{"prefork": "MaxRequestWorkers 8\n", "event": "ThreadsPerChild 8\nMaxRequestWorkers 16\n", "worker": "ThreadsPerChild 8\nMaxRequestWorkers 16\n"}

// apacheVaries are what may differ between two runs, and what takes its place.
var apacheVaries = []struct {
	pattern *regexp.Regexp
	to      string
}{
	// times
	{regexp.MustCompile(`(?m)^(Date): \w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT$`), "$1: (time)"},
	{regexp.MustCompile(`(?m)^\[\w{3} \w{3} \d\d [\d:.]+ \d{4}\] `), "[(time)] "},
	{regexp.MustCompile(`(?m)^(Server startup time|Start Time) => .*$`), "$1 => (time)"},
	{regexp.MustCompile(`\b(\[?"?(?:REQUEST_TIME|REQUEST_TIME_FLOAT)['"]?\]?\)?(?: =>|:) )[\d.]+`), "$1(time)"},
	{regexp.MustCompile(`(?m)^Expires: \w{3}, \d\d \w{3} 2\d{3} [\d:]{8} GMT$`), "Expires: (time)"},
	// what httpd draws lots for: the order in which it has methods, nonces
	{regexp.MustCompile(`(?m)^Allow: [A-Z,]+$`), "Allow: (methods)"},
	{regexp.MustCompile(`nonce="[^"]*"`), `nonce="(nonce)"`},
	{regexp.MustCompile(`(?m)(^--|boundary=)[0-9a-f]{16}`), "$1(boundary)"},
	// ports
	{regexp.MustCompile(`\b(REMOTE_PORT(?:'\])?(?: =>| =) )"?\d+"?`), "$1(port)"},
	{regexp.MustCompile(`\[client 127\.0\.0\.1:\d+\]`), "[client 127.0.0.1:(port)]"},
	// whether a process has answered a request before
	{regexp.MustCompile(`(?m)^.*PHP Warning:  (?:Unknown|PHP Request Shutdown): Invalid date\.timezone value.*\n`), ""},
	// processes
	{regexp.MustCompile(`\[pid \d+(:tid \d+)?\]`), "[pid]"},
}

// phpVersion is such as 8.2.
var phpVersion = strings.TrimPrefix(stockCGI, "/usr/bin/php-cgi")

// A setup is a virtual host, what it is asked, and what mod_php's answers must have in them.
type setup struct {
	name   string
	conf   string            // in its VirtualHost, where ROOT is its directory of documents
	global string            // before all virtual hosts
	files  map[string]string // in ROOT. Those of sharedFiles are there, too
	run    []string          // files that may be executed
	asks   []string          // requests, as they are sent: see spell
	want   []string
}

// sharedFiles are in each setup's ROOT.
var sharedFiles = map[string]string{
	"plain.txt": "plain\n",
	"vars.php": `<?php header('Content-Type: text/plain');
		foreach ($_SERVER as $name => $value) {
			echo "$name = ", str_starts_with($name, 'REQUEST_TIME') ? gettype($value) : json_encode($value, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE), "\n";
		}
		echo "-- apache_request_headers\n";
		foreach (apache_request_headers() as $name => $value) echo "$name: $value\n";
		echo "-- the rest\n", json_encode([PHP_SAPI, getcwd(), __FILE__, get_included_files(), $_GET, $_POST, $_COOKIE, $_FILES, $_ENV,
			strlen(file_get_contents('php://input'))], JSON_UNESCAPED_SLASHES), "\n";
		foreach (['SERVER_NAME', 'PATH_INFO', 'OWN', 'HTTP_PROXY', 'PATH'] as $name) echo "getenv $name ", json_encode(getenv($name)), "\n";`,
	// Each parameter's name is a setting's.
	"ini.php": `<?php header('Content-Type: text/plain');
		foreach ($_GET as $name => $value) {
			$name = strtr($name, '-', '.');
			$all = ini_get_all(null, true)[$name] ?? null;
			echo $name, ' ', json_encode([ini_get($name), $all, get_cfg_var($name)], JSON_UNESCAPED_SLASHES), "\n";
			if ($value != '') echo 'set ', json_encode([ini_set($name, $value), ini_get($name)], JSON_UNESCAPED_SLASHES), "\n";
		}`,
	// What phpinfo() says of PHP as a whole, of the SAPI and of the request.
	"info.php": `<?php
		function text(int $what): string {
			ob_start();
			phpinfo($what);
			return preg_replace(['~.*<body>~s', '~</t[dh]>\s*<td[^>]*>~', '~<tr[^>]*>~'], ['', ' => ', "\n"], ob_get_clean());
		}
		header('Content-Type: text/plain');
		preg_match('~<h2><a name="module_apache2handler".*?(?=<h2><a name="module_)~s', text(INFO_MODULES), $module);
		// mod_php has no setting child_terminate, and needs the MPM prefork.
		echo preg_replace(['~ +=> +~', '~\s*\n\s*~', '~(REQUEST_TIME_FLOAT.\] => )[\d.]+~', '~^child_terminate => Off => Off\n~m', '~\b(prefork|event|worker)\b~'], [' => ', "\n", '$1(time)', '', '(mpm)'],
			html_entity_decode(strip_tags(text(INFO_GENERAL) . "\n=====\n" . $module[0] . "\n=====\n" . text(INFO_VARIABLES))));`,
}

// apacheRecord is what a mode's Apache answers to all requests of setups, with the lines of its logs, by the setups' names.
func apacheRecord(t *testing.T, mode apacheMode, setups []setup) map[string]string {
	p := at(t)
	p.give("tmp")
	p.give("logs")
	var conf strings.Builder
	conf.WriteString(mode.load + mpmSettings[mode.mpm])
	conf.WriteString(`
StartServers 2
AddHandler application/x-httpd-php .php
LogFormat "%r %>s %B %u note=%{own}n memory=%{mod_php_memory_usage}n env=%{OWN}e out=%{X-Own}o type=%{Content-Type}o" full
`)
	for _, s := range setups {
		conf.WriteString(s.global + "\n")
	}
	for i, s := range setups {
		root := fmt.Sprintf("www/%02d", i)
		for name, text := range sharedFiles {
			p.write(root+"/"+name, text)
		}
		for name, text := range s.files {
			p.write(root+"/"+name, strings.ReplaceAll(text, "ROOT", p.path(root)))
		}
		for _, name := range s.run {
			if err := os.Chmod(p.path(root+"/"+name), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		fmt.Fprintf(&conf, `<VirtualHost *:*>
ServerName s%02d.test
DocumentRoot DIR/%[2]s
ErrorLog DIR/logs/%02[1]d-error
CustomLog DIR/logs/%02[1]d-access full
%[3]s
</VirtualHost>
`, i, root, strings.ReplaceAll(s.conf, "ROOT", p.path(root)))
	}
	if err := ageAll(p.path("www")); err != nil {
		t.Fatal(err)
	}
	address, _ := p.httpd(mode.mpm, `auth_basic auth_digest authn_core authn_file authz_user deflate expires filter headers include
		negotiation setenvif substitute`, conf.String())
	asked, said := 0, make([]strings.Builder, len(setups))
	for i, s := range setups {
		c := &rawClient{address: address}
		for n, ask := range s.asks {
			asked++
			fmt.Fprintf(&said[i], "--- %d: %.200s\n%s\n", n, strings.ReplaceAll(ask, p.dir, "DIR"), c.ask(spell(ask, fmt.Sprintf("s%02d.test", i), p.path(fmt.Sprintf("www/%02d", i)))))
		}
		c.close()
	}
	p.awaitLines("logs/*-access", asked)
	answers := map[string]string{}
	for i, s := range setups {
		fmt.Fprintf(&said[i], "--- access log\n%s\n--- error log\n%s\n", sorted(p.log(fmt.Sprintf("logs/%02d-access", i))), p.log(fmt.Sprintf("logs/%02d-error", i)))
		answers[s.name] = p.plain(said[i].String(), address)
	}
	return answers
}

// sorted is a log with its lines in order: several processes write them.
func sorted(log string) string {
	lines := strings.SplitAfter(log, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// ageAll makes all files equally old, by which their ETag is the same in each run.
func ageAll(dir string) error {
	old := time.Date(2020, 2, 3, 4, 5, 6, 0, time.UTC)
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chtimes(path, old, old)
	})
}

// awaitLines waits until the files have so many lines together: a request is logged after its answer.
func (p *place) awaitLines(pattern string, want int) {
	p.t.Helper()
	got := 0
	for range 100 {
		got = 0
		names, _ := filepath.Glob(p.path(pattern))
		for _, name := range names {
			text, _ := os.ReadFile(name)
			got += bytes.Count(text, []byte("\n"))
		}
		if got >= want {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	p.t.Errorf("%s have %d lines, want %d", pattern, got, want)
}

// plain is an answer without what differs from run to run.
func (p *place) plain(said, address string) string {
	_, port, _ := net.SplitHostPort(address)
	said = strings.NewReplacer(p.dir, "DIR", strings.ReplaceAll(p.dir, "/", `\/`), "DIR", address, "ADDRESS").Replace(said)
	said = regexp.MustCompile(`\b`+port+`\b`).ReplaceAllString(said, "PORT")
	for _, v := range apacheVaries {
		said = v.pattern.ReplaceAllString(said, v.to)
	}
	// Of the memory that a script took it is known that it is a number.
	return regexp.MustCompile(`\bmemory=\d+`).ReplaceAllString(said, "memory=(bytes)")
}

// spell is a request as it is sent: the first line has no version, header lines follow, and after an empty line the body. A request whose
// first line has a version is sent as it is.
func spell(ask, host, root string) string {
	ask = strings.ReplaceAll(ask, "ROOT", root)
	head, body, hasBody := strings.Cut(ask, "\n\n")
	first, lines, _ := strings.Cut(head, "\n")
	if strings.Contains(first, " HTTP/") {
		return strings.ReplaceAll(strings.ReplaceAll(head, "HOST", host), "\n", "\r\n") + "\r\n\r\n" + body
	}
	said := first + " HTTP/1.1\r\nHost: " + host + "\r\n"
	if lines != "" {
		said += strings.ReplaceAll(lines, "\n", "\r\n") + "\r\n"
	}
	if hasBody {
		said += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	return said + "\r\n" + body
}

// A rawClient asks on one connection as long as the server keeps it.
type rawClient struct {
	address string
	conn    net.Conn
	in      *bufio.Reader
}

func (c *rawClient) close() {
	if c.conn != nil {
		c.conn.Close()
	}
	c.conn = nil
}

// ask returns the answer: its head as it came, how its end is known, and its body.
func (c *rawClient) ask(request string) string {
	again := c.conn != nil
	if !again {
		conn, err := net.DialTimeout("tcp", c.address, 5*time.Second)
		if err != nil {
			return "(" + err.Error() + ")"
		}
		c.conn, c.in = conn, bufio.NewReader(conn)
	}
	c.conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c.conn, request); err != nil {
		c.close()
		return "(the request was not taken)"
	}
	method, _, _ := strings.Cut(request, " ")
	answer, keep := c.read(method)
	if !keep {
		c.close()
	}
	return answer
}

// read reads an answer, with those with a status of 1xx that come before it.
func (c *rawClient) read(method string) (answer string, keep bool) {
	var head strings.Builder
	header := func(name string) string {
		found := regexp.MustCompile(`(?mi)^` + name + `: *(.*)$`).FindStringSubmatch(head.String())
		if found == nil {
			return ""
		}
		return found[1]
	}
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return head.String() + line + "(the connection ended within the head)", false
		}
		if line = strings.TrimSuffix(line, "\r\n"); line == "" {
			if regexp.MustCompile(`\AHTTP/1\.1 1\d\d .*\n\z`).MatchString(head.String()) {
				interim, _ := c.read(method)
				return head.String() + "\n" + interim, !strings.Contains(strings.ToLower(interim), "\nconnection: close")
			}
			break
		}
		head.WriteString(line + "\n")
	}
	status := strings.Fields(head.String() + " ? ?")[1]
	keep = strings.ToLower(header("Connection")) != "close" && strings.HasPrefix(head.String(), "HTTP/1.1")
	end, body, err := "no body", []byte(nil), error(nil)
	switch length := header("Content-Length"); {
	case method == "HEAD", status == "204", status == "304":
	case header("Transfer-Encoding") == "chunked":
		end = "chunked"
		body, err = io.ReadAll(httputil.NewChunkedReader(c.in))
		if err == nil {
			_, err = c.in.ReadString('\n') // no trailer follows
		}
	case length != "":
		end = "length"
		n, _ := strconv.Atoi(length)
		body = make([]byte, n)
		var got int
		got, err = io.ReadFull(c.in, body)
		body = body[:got]
	default:
		end, keep = "until it closed", false
		body, err = io.ReadAll(c.in)
	}
	if err != nil {
		end, keep = end+", and it was cut off", false
	}
	if strings.Contains(header("Content-Encoding"), "gzip") {
		if plain, err := gzip.NewReader(bytes.NewReader(body)); err == nil {
			body, _ = io.ReadAll(plain)
			end += ", by gzip"
		}
	}
	return fmt.Sprintf("%s(%s)\n%s", head.String(), end, body), keep
}

// TestApacheSetups compares the answers of all setups with mod_php's.
func TestApacheSetups(t *testing.T) {
	if len(apacheSetups) < 40 {
		t.Fatalf("there are %d setups", len(apacheSetups))
	}
	expected := map[string]string{}
	if !t.Run(modPHP.name, func(t *testing.T) {
		expected = apacheRecord(t, modPHP, apacheSetups)
		for _, s := range apacheSetups {
			for _, want := range s.want {
				if !strings.Contains(expected[s.name], want) {
					t.Errorf("%s: no %q in:\n%s", s.name, want, expected[s.name])
				}
			}
		}
	}) {
		return
	}
	underWorker := inPool()
	underWorker.name, underWorker.mpm = "pool, MPM worker", "worker"
	for _, mode := range append(slices.Clone(apacheModes), underWorker) {
		t.Run(mode.name, func(t *testing.T) {
			got := apacheRecord(t, mode, apacheSetups)
			for _, s := range apacheSetups {
				if want, got := expected[s.name], got[s.name]; got != want {
					t.Errorf("%s: %s's answers are not mod_php's:\n%s", s.name, mode.name, difference(want, got))
				}
			}
		})
	}
}

// TestApache has each mode answer every kind of request, and compares the answers with mod_php's.
func TestApache(t *testing.T) {
	server := func(mode apacheMode) *webServer {
		return &webServer{name: mode.name, suffix: ".php", serve: func(p *place, _ string) string {
			p.cgiSettings("")
			p.env = append(p.env, "PHP_INI_SCAN_DIR=:"+p.path("ini"))
			address, _ := p.httpd(mode.mpm, "", mode.load+"AddHandler application/x-httpd-php .php\n")
			return address
		}}
	}
	var expected string
	if !t.Run(modPHP.name, func(t *testing.T) { expected = server(modPHP).answers(t, modPHP.name) }) {
		return
	}
	for _, mode := range apacheModes {
		t.Run(mode.name, func(t *testing.T) {
			if got := server(mode).answers(t, mode.name); got != expected {
				t.Errorf("%s's answers are not mod_php's:\n%s", mode.name, difference(expected, got))
			}
		})
	}
}

// TestWordPressInApache has WordPress used in each mode as TestWordPress does.
func TestWordPressInApache(t *testing.T) {
	for _, mode := range append([]apacheMode{modPHP}, apacheModes[1:]...) {
		t.Run(mode.name, func(t *testing.T) {
			p := wordPress(t)
			p.give("tmp")
			p.cgiSettings("auto_prepend_file = DIR/prepend.php\nsession.save_path = DIR/tmp\nsendmail_path = /bin/true\n")
			lines, err := enable(stock, wordPressExtensions...)
			if err != nil {
				t.Fatal(err)
			}
			p.write("ini/extensions.ini", lines)
			address, _ := p.httpd(mode.mpm, "headers setenvif", mode.load+"AddHandler application/x-httpd-php .php\n")
			useWordPress(t, p, visit(t, address), "apache2handler")
			if line := trouble(p.log("apache-error.log"), p.wanted); line != "" {
				t.Error(line)
			}
		})
	}
}
