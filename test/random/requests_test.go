package random_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/test/exchange"
	"github.com/phpsapi/phpsapi/test/serve"
)

// show prints what a script learns of its request.
const show = `<?php
unset($_SERVER["REQUEST_TIME"], $_SERVER["REQUEST_TIME_FLOAT"], $_SERVER["PADDING"]);
echo json_encode([$_SERVER, $_GET, $_POST, $_COOKIE, array_map(fn ($f) => $f["name"] ?? 0, $_FILES), getenv("SCRIPT_NAME"), getenv("PATH_INFO"),
	getallheaders(), file_get_contents("php://input"), getcwd()], JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES | JSON_PARTIAL_OUTPUT_ON_ERROR), "\n";`

// site makes the scripts of all rounds.
func site(t *testing.T) string {
	t.Helper()
	dir := serve.Dir(t)
	files := map[string]string{
		"show.php": show, "sub dir/show.php": show, "text.txt": "<?php echo 'text';", "prepended.inc": "<?php echo 'prepended ';",
		"body.php":     `<?php $f = fopen("php://input", "r"); echo strlen(fread($f, 100)); header("X-Late: 1"); while (!feof($f)) echo " ", md5(fread($f, 5000));`,
		"nobody.php":   `<?php echo "nothing read";`,
		"messages.php": `<?php for ($i = 0; $i < 30; $i++) { error_log(str_repeat("m", $i * 40)); if ($i % 10 == 5) echo "between"; }`,
		"flushed.php":  `<?php for ($i = 0; $i < 5; $i++) { echo str_repeat("f", 3000); @ob_flush(); flush(); error_log("at $i"); }`,
		"warnings.php": `<?php for ($i = 0; $i < 20; $i++) echo $undefined, "w"; trigger_error(str_repeat("t", 2000), E_USER_WARNING); array_map("x");`,
		"late.php":     `<?php register_shutdown_function(function () { error_log("late"); echo "late", $none; }); echo "early"; throw new Exception("thrown");`,
		"headers.php":  `<?php for ($i = 0; $i < 50; $i++) header("X-$i: " . str_repeat("h", 100)); header("Content-Length: 2"); echo "ok";`,
	}
	for name, script := range exchange.Scripts() {
		if name != "include" && name != "session" && name != "memory" { // the first two write files
			files[strings.NewReplacer(" ", "-", ",", "").Replace(name)+".php"] = script
		}
	}
	for name, script := range exchange.Messages() {
		files["messages-"+name+".php"] = script
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	unreadable := filepath.Join(dir, "unreadable.php")
	if err := os.WriteFile(unreadable, []byte(show), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// request is what is sent to both servers on one connection.
type request struct {
	told strings.Builder // what the wire says, for a report
	wire []byte
}

// tell notes a request on the connection.
func (r *request) tell(params []string, body string) {
	r.told.WriteString("request:")
	for i := 0; i+1 < len(params); i += 2 {
		fmt.Fprintf(&r.told, " %q=%s", params[i], short(params[i+1]))
	}
	fmt.Fprintf(&r.told, ", body %s\n", short(body))
}

func short(s string) string {
	if len(s) > 100 {
		return fmt.Sprintf("%q... (%d)", s[:100], len(s))
	}
	return strconv.Quote(s)
}

// request makes some requests on one connection. After one with a body, stock PHP may close a connection that it is to
// keep: it takes what its script did not read for the next request.
func (g generator) request(s settings) *request {
	r := &request{}
	for {
		params, body := g.contents(s)
		keep := body == "" && g.one(2)
		r.tell(params, body)
		r.wire = g.frame(r.wire, params, body, keep)
		if !keep || g.one(2) {
			return r
		}
	}
}

// contents are the params and the body of a request.
func (g generator) contents(s settings) (params []string, body string) {
	if g.one(3) {
		known := exchange.Requests(g.dir)
		names := sorted(known)
		one := known[pick(g, names...)]
		params, body = append(params, one.Params...), one.Body
	} else {
		script := pick(g, sorted(g.scripts())...)
		params = []string{"REQUEST_METHOD", pick(g, "GET", "GET", "GET", "POST", "HEAD", "PUT", "OPTIONS", "get", "PROPFIND"), "SCRIPT_FILENAME", g.dir + "/" + script,
			"SCRIPT_NAME", "/" + script, "REQUEST_URI", "/" + script, "QUERY_STRING", "", "DOCUMENT_ROOT", g.dir}
	}
	set := func(name, value string) { params = append(params, name, value) }
	if g.one(3) {
		set("QUERY_STRING", g.query())
	}
	if g.one(3) {
		set("REQUEST_URI", "/"+g.text(g.length()))
	}
	if g.one(4) {
		set("HTTP_USER_AGENT", g.text(g.length()))
	}
	if g.one(5) {
		set("HTTP_COOKIE", pick(g, "a=b; c[d]=e", g.text(g.length())))
	}
	if g.one(8) {
		set("HTTP_AUTHORIZATION", pick(g, "Basic dXNlcjpwYXNz", "Basic ", "Digest x", "Bearer y", g.text(20)))
	}
	if g.one(8) {
		set("PATH_INFO", pick(g, "", "/p/i", g.text(g.length())))
	}
	if g.one(10) {
		set("SCRIPT_FILENAME", pick(g, "/", g.dir, g.dir+"/none.php", g.dir+"/text.txt", g.dir+"/unreadable.php", g.dir+"/show.php/p", "/ping", g.dir+"/"+g.text(g.length())))
	}
	if g.one(10) {
		set("SCRIPT_NAME", pick(g, "", "/ping", "/show.php/p", "/"+g.text(g.length())))
	}
	if g.one(10) {
		set("HTTP_ACCEPT_ENCODING", pick(g, "gzip", "deflate", "identity"))
	}
	if s.program == "php-cgi" && g.one(6) {
		set("REDIRECT_STATUS", "200")
	}
	if g.wild && g.one(10) {
		set("SCRIPT_FILENAME", "") // stock PHP dies by it
	}
	for g.one(3) {
		set(pick(g, "HTTP_", "X_", "")+strings.ToUpper(strings.ReplaceAll(g.text(1+g.IntN(20)), "\x00", "")), g.text(g.length()))
	}
	if g.one(20) {
		for i := range pick(g, 10, 100, 1000) {
			set(fmt.Sprint("HTTP_MANY_", i), g.text(g.IntN(30)))
		}
	}
	if g.one(2) {
		body = g.body(set)
	}
	return params, body
}

// scripts are those of the site.
func (g generator) scripts() map[string]bool {
	names := map[string]bool{}
	entries, _ := os.ReadDir(g.dir)
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".php") && e.Name() != "unreadable.php" {
			names[e.Name()] = true
		}
	}
	return names
}

// query is a query string or a form.
func (g generator) query() string {
	if g.one(4) {
		return strings.ReplaceAll(g.text(g.length()), "\x00", "")
	}
	var b strings.Builder
	for i := range g.IntN(pick(g, 3, 10, 1100)) {
		fmt.Fprintf(&b, "%s%s=%d", pick(g, "&", "&", ";"), pick(g, "a", "b[]", "c[d][e]", "f.g", "%41", "+", "a"+strconv.Itoa(i)), i)
	}
	return strings.TrimLeft(b.String(), "&;")
}

// body makes a body, and params that are true of it or not.
func (g generator) body(set func(name, value string)) string {
	body, kind := "", ""
	switch g.IntN(4) {
	case 0:
		body, kind = g.query(), "application/x-www-form-urlencoded"
	case 1:
		kind = "multipart/form-data; boundary=xYz"
		for range g.IntN(4) {
			file := pick(g, "", `; filename="f.txt"`, `; filename=""`)
			body += "--xYz\r\nContent-Disposition: form-data; name=\"" + pick(g, "a", "b[]", "") + "\"" + file + "\r\n\r\n" + g.text(g.length()) + "\r\n"
		}
		body += pick(g, "--xYz--\r\n", "--xYz", "")
	case 2:
		body, kind = g.text(g.length()*pick(g, 1, 1, 20)), "application/octet-stream"
	case 3:
		body = g.text(g.length())
		kind = pick(g, "", "multipart/form-data", "multipart/form-data; boundary=", "text/plain", "application/x-www-form-urlencoded; charset=x", g.text(g.length()))
	}
	if !g.one(10) {
		set("CONTENT_TYPE", kind)
	}
	if g.one(2) {
		set("REQUEST_METHOD", "POST")
	}
	// If a form with files is shorter than its length, or the length is negative, stock PHP reads on after the body, and
	// waits if nothing comes.
	length := strconv.Itoa(len(body))
	if g.one(5) {
		length = pick(g, "", "0", "x", strconv.Itoa(len(body)/2)+"x", strconv.Itoa(len(body)/2))
		if !strings.HasPrefix(kind, "multipart") && g.one(2) {
			length = strconv.Itoa(len(body) + 1 + g.IntN(len(body)+1))
		}
	}
	if g.wild {
		length = pick(g, "-1", "99999999999999999999", strconv.Itoa(2*len(body)+1), length)
	}
	if !g.one(10) {
		set("CONTENT_LENGTH", length)
	}
	return body
}

// frame appends the records of a request.
func (g generator) frame(wire []byte, params []string, body string, keep bool) []byte {
	id := pick(g, 1, 1, 1, 2, 255, 256, 65535)
	flags := fastcgi.Flags(0)
	if keep {
		flags = fastcgi.KeepConn
	}
	role := fastcgi.RoleResponder
	if body == "" {
		role = pick(g, fastcgi.RoleResponder, fastcgi.RoleAuthorizer) // which has no body, though stock PHP reads one
	}
	begin := fastcgi.BeginRequest{Role: role, Flags: flags}.Body()
	record := func(t fastcgi.Type, content []byte) {
		padding := uint8(0)
		if len(content) > 0 && len(content) < 60000 {
			padding = pick(g, 0, 0, uint8(-len(content)&7), uint8(g.IntN(256)))
		}
		wire = fastcgi.Record{Type: t, RequestID: uint16(id), Content: content, PaddingLength: padding}.AppendTo(wire)
	}
	record(fastcgi.TypeBeginRequest, begin[:])
	var pairs []byte
	few := g.one(5)
	for i := 0; i+1 < len(params); i += 2 {
		pair := fastcgi.AppendPair(nil, params[i], params[i+1])
		if len(pairs) > 0 && (len(pairs)+len(pair) > 60000 || few && g.one(2)) { // stock PHP wants whole pairs in a record
			record(fastcgi.TypeParams, pairs)
			pairs = nil
		}
		pairs = append(pairs, pair...)
	}
	if len(pairs) > 0 {
		record(fastcgi.TypeParams, pairs)
	}
	record(fastcgi.TypeParams, nil)
	for rest := body; len(rest) > 0; {
		n := min(len(rest), 1+g.IntN(pick(g, 10, 1000, 60000, 65535)))
		record(fastcgi.TypeStdin, []byte(rest[:n]))
		rest = rest[n:]
	}
	if g.wild && g.one(4) {
		return wire // the client leaves; stock PHP drops what it has of the body
	}
	record(fastcgi.TypeStdin, nil)
	return wire
}

// hostile is what no web server sends: a request in which something is wrong, or no request at all.
func (g generator) hostile() []byte {
	if g.one(6) {
		return []byte(g.text(g.length()))
	}
	g.wild = true
	params, body := g.contents(settings{})
	wire := g.frame(nil, params, body, g.one(2))
	for range g.IntN(5) {
		switch at := g.IntN(len(wire)); g.IntN(5) {
		case 0: // cut short
			wire = wire[:max(at, 1)]
		case 1: // a byte that is another
			wire[at] = byte(g.IntN(256))
		case 2: // a byte of a header near the beginning
			wire[at%min(len(wire), 40)] = byte(g.IntN(256))
		case 3: // a record between
			r := fastcgi.Record{Type: fastcgi.Type(g.IntN(16)), RequestID: uint16(g.IntN(3)), Content: []byte(g.text(g.IntN(50)))}.AppendTo(nil)
			wire = append(wire[:at:at], append(r, wire[at:]...)...)
		case 4: // another request behind
			wire = append(wire, g.frame(nil, params, "", false)...)
		}
	}
	return wire
}

// sorted are a map's keys in an order that is always the same.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
