//go:build e2e

package e2e

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"html"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A recorder is a browser that writes down all answers, and follows no redirect of its own accord.
type recorder struct {
	*place
	address string
	browser *http.Client
	record  strings.Builder
	asked   int
}

// newRecorder returns the browser of a site at address.
func newRecorder(p *place, address string) *recorder {
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return &recorder{place: p, address: address, browser: &http.Client{
		Jar: jar, Timeout: patience, Transport: &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// ask asks, writes the answer down and returns its body. Each of headers is a name and a value: "Range: bytes=0-9".
func (r *recorder) ask(method, path, kind string, body []byte, headers ...string) string {
	r.t.Helper()
	request, err := http.NewRequest(method, "http://"+r.address+path, bytes.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	response, err := r.browser.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatalf("%s %s: %v", method, path, err)
	}
	if response.Header.Get("Content-Encoding") == "gzip" && len(text) > 0 {
		plain, err := gzip.NewReader(bytes.NewReader(text))
		if err != nil {
			r.t.Fatalf("%s %s: %v", method, path, err)
		}
		if text, err = io.ReadAll(plain); err != nil {
			r.t.Fatalf("%s %s: %v", method, path, err)
		}
	}
	r.asked++
	fmt.Fprintf(&r.record, "--- %d: %s %s %s\n%s %s\n", r.asked, method, path, strings.Join(headers, ", "), response.Proto, response.Status)
	for _, encoding := range response.TransferEncoding {
		fmt.Fprintf(&r.record, "Transfer-Encoding: %s\n", encoding)
	}
	var lines []string
	for name, values := range response.Header {
		for _, value := range values {
			lines = append(lines, name+": "+value+"\n")
		}
	}
	slices.SortStableFunc(lines, func(a, b string) int { // cookies stay in their order
		return strings.Compare(a[:strings.IndexByte(a, ':')], b[:strings.IndexByte(b, ':')])
	})
	fmt.Fprintf(&r.record, "%s\n%s\n", strings.Join(lines, ""), text)
	return string(text)
}

// want checks that a page has that in it.
func (r *recorder) want(page, want string) string {
	r.t.Helper()
	if !strings.Contains(page, want) {
		r.t.Fatalf("no %q in:\n%.3000s", want, page)
	}
	return page
}

// hidden is the value of a form's hidden field.
func (r *recorder) hidden(page, name string) string {
	r.t.Helper()
	input := regexp.MustCompile(`<input[^>]*\bname=["']` + regexp.QuoteMeta(name) + `["'][^>]*>`).FindString(page)
	value := regexp.MustCompile(`\bvalue=["']([^"']*)["']`).FindStringSubmatch(input)
	if value == nil {
		r.t.Fatalf("no field %s in:\n%.3000s", name, page)
	}
	return html.UnescapeString(value[1])
}

func (r *recorder) get(path string, headers ...string) string {
	r.t.Helper()
	return r.ask("GET", path, "", nil, headers...)
}

func (r *recorder) post(path string, form url.Values, headers ...string) string {
	r.t.Helper()
	return r.ask("POST", path, "application/x-www-form-urlencoded", []byte(form.Encode()), headers...)
}

// upload posts a form with a file in it.
func (r *recorder) upload(path string, fields url.Values, field, name string, file []byte) string {
	r.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	form.SetBoundary("e2eboundary")
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		form.WriteField(name, fields.Get(name))
	}
	part, err := form.CreateFormFile(field, name)
	if err != nil {
		r.t.Fatal(err)
	}
	part.Write(file)
	form.Close()
	return r.ask("POST", path, form.FormDataContentType(), body.Bytes())
}

// An application is a program that is used in each mode of Apache's.
type application struct {
	extensions []string
	modules    string // of httpd's
	ini        string
	conf       func(p *place) string
	use        func(r *recorder)
}

// applicationsVary are what may differ between two runs of an application, beside apacheVaries, and what takes its place.
var applicationsVary = []struct {
	pattern *regexp.Regexp
	to      string
}{
	// numbers drawn by lot, which may look like times
	{regexp.MustCompile(`(for=\\?"|Id=\\?"|_|Radio[A-Z][a-z]*)\d{6,10}`), "$1(number)"},
	{regexp.MustCompile(`(sourcemap=1&version=)\w+`), "$1(number)"}, // of what was asked when
	// times
	{regexp.MustCompile(`\b\w{3}, \d\d[ -]\w{3}[ -]20[2-9]\d [\d:]{8} (?:GMT\b|\+0000)`), "(time)"},
	{regexp.MustCompile(`\b\d{1,2} \w+ 20[2-9]\d,? at \d\d:\d\d\b`), "(time)"},
	{regexp.MustCompile(`\b20[2-9]\d-\d\d-\d\dT[\d:]{8}Z`), "(time)"},
	{regexp.MustCompile(`\b20[2-9]\d{11}\b`), "(time)"},
	{regexp.MustCompile(`\b\d\d:\d\d(?::\d\d)?, \d{1,2}\.? \w+ 20[2-9]\d\b`), "(time)"},
	{regexp.MustCompile(`\b\d{1,2}\.? \w+ 20[2-9]\d, \d\d:\d\d\b`), "(time)"},
	{regexp.MustCompile(`\b20[2-9]\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d\b`), "(time)"},
	{regexp.MustCompile(`\b\d\d:\d\d, \w+ \d{1,2}, 20[2-9]\d\b`), "(time)"},
	{regexp.MustCompile(`\b\d\d:\d\d, 20[2-9]\d \w+ \d{1,2}\b`), "(time)"},
	{regexp.MustCompile(`(<span class="mw-changeslist-time">|wpLocalTime(?:"|\\"&gt;|">))[\d:]+`), "$1(time)"},
	{regexp.MustCompile(`(?:@|%40|\b)1[789]\d{8}(?:000)?\b`), "(seconds)"},
	{regexp.MustCompile(`\b\d+\.\d{3,}\b`), "(seconds)"},
	{regexp.MustCompile(`"timingprofile":\[[^\]]*\]`), `"timingprofile":[]`},
	{regexp.MustCompile(`"wgBackendResponseTime":\d+`), `"wgBackendResponseTime":(milliseconds)`},
	{regexp.MustCompile(`\d\d:\d\d((?:<|&lt;)input type=\\?"hidden\\?" value=\\?")\d+(\\?" name=\\?"wpServerTime)`), "(time)$1(time)$2"},
	{regexp.MustCompile(`(?m)^Set-Cookie: cpPosIndex=.*\n`), ""}, // for ten seconds after a change
	// tokens, sessions and the names of requests
	{regexp.MustCompile(`\b[0-9a-f]{16,}\b`), "(hexadecimal)"},
	{regexp.MustCompile(`(?m)^(Set-Cookie: (?:phpMyAdmin|pmaAuth-1|pmaUser-1|wordpress_session)=)[^;]*`), "$1(secret)"},
	{regexp.MustCompile(`(name="set_session" value=")[^"]*`), "$1(secret)"},
	// of a file's time, and of what has the site's address in it
	{regexp.MustCompile(`(?m)^Etag: (?:W/)?("[0-9a-f]+-)[0-9a-f]+"$`), `Etag: $1(time)"`}, // it is a weak one for a second
	{regexp.MustCompile(`(?m)^Etag: W/"\w+"$`), `Etag: W/"(hash)"`},
	{regexp.MustCompile(`(\["mediawiki\.base",")\w+`), "$1(hash)"},
	// the length of all that
	{regexp.MustCompile(`(?m)^Content-Length: \d+$`), "Content-Length: (bytes)"},
}

// inEachMode uses an application in each mode, and compares the answers with mod_php's.
func (a *application) inEachMode(t *testing.T) {
	expected := ""
	for _, mode := range append([]apacheMode{modPHP}, apacheModes...) {
		t.Run(mode.name, func(t *testing.T) {
			p := at(t)
			p.give("tmp")
			p.give("www")
			p.mariadb()
			p.cgiSettings("session.save_path = DIR/tmp\nerror_log =\n" + a.ini)
			lines, err := enable(stock, a.extensions...)
			if err != nil {
				t.Fatal(err)
			}
			p.write("ini/extensions.ini", lines)
			p.env = append(p.env, "PHP_INI_SCAN_DIR=:"+p.path("ini"))
			address, _ := p.httpd(mode.mpm, a.modules, mode.load+"AddHandler application/x-httpd-php .php\n"+a.conf(p))
			r := newRecorder(p, address)
			a.use(r)
			fmt.Fprintf(&r.record, "--- error log\n%s\n", phpLines(p.log("apache-error.log")))
			said := p.plain(r.record.String(), address)
			for _, v := range applicationsVary {
				said = v.pattern.ReplaceAllString(said, v.to)
			}
			if dir := os.Getenv("E2E_RECORDS"); dir != "" {
				os.WriteFile(filepath.Join(dir, strings.ReplaceAll(t.Name(), "/", "-")), []byte(said), 0o644)
			}
			if expected == "" {
				expected = said
			} else if said != expected {
				t.Errorf("%s's answers are not mod_php's:\n%s", mode.name, difference(expected, said))
			}
		})
	}
}

// phpLines are the lines of an error log that PHP, or httpd about PHP, has written.
func phpLines(log string) string {
	var lines strings.Builder
	for line := range strings.Lines(log) {
		if strings.Contains(line, "[php:") || strings.Contains(line, "PHP ") {
			lines.WriteString(line)
		}
	}
	return lines.String()
}

// TestPHPMyAdminInApache has phpMyAdmin used by Debian's own file for Apache, in each mode.
func TestPHPMyAdminInApache(t *testing.T) {
	a := application{
		extensions: []string{"mysqlnd", "mysqli", "mbstring", "xml", "simplexml", "curl"},
		modules:    "headers",
		conf: func(p *place) string {
			copyTree(p.t, "/usr/share/phpmyadmin", p.path("www/phpmyadmin"))
			places := strings.NewReplacer("/usr/share/phpmyadmin", p.path("www/phpmyadmin"), "/var/lib/phpmyadmin", p.path("pma"), "/etc/phpmyadmin", p.path("etc"))
			vendor, err := os.ReadFile("/usr/share/phpmyadmin/libraries/vendor_config.php")
			if err != nil {
				p.t.Fatal(err)
			}
			p.write("www/phpmyadmin/libraries/vendor_config.php", places.Replace(string(vendor)))
			p.write("etc/config.inc.php", `<?php
$cfg['blowfish_secret'] = 'thirty-two characters as it wants';
$cfg['Servers'][1] = ['auth_type' => 'cookie', 'host' => 'localhost', 'socket' => 'DIR/db.sock'];
$cfg['SendErrorReports'] = 'never';
`)
			p.give("pma/tmp")
			conf, err := os.ReadFile("/etc/phpmyadmin/apache.conf")
			if err != nil {
				p.t.Fatal(err)
			}
			return places.Replace(string(conf))
		},
		use: usePHPMyAdmin,
	}
	a.inEachMode(t)
}

func usePHPMyAdmin(r *recorder) {
	const index = "/phpmyadmin/index.php?route="
	const ajax = "X-Requested-With: XMLHttpRequest"
	r.get("/phpmyadmin")
	page := r.want(r.get("/phpmyadmin/"), "pma_username")
	login := func(password string) {
		r.post(index+"/", url.Values{"set_session": {r.hidden(page, "set_session")}, "token": {r.hidden(page, "token")},
			"pma_username": {"wordpress"}, "pma_password": {password}, "server": {"1"}, "route": {"/"}})
	}
	login("wrong")
	page = r.want(r.get("/phpmyadmin/", "Accept-Encoding: gzip"), "pma_username")
	login("secret")
	page = r.want(r.get(index+"/", "Accept-Encoding: gzip"), "Server version")
	token := r.hidden(page, "token")
	r.want(r.get(index+"/server/databases"), "information_schema")
	r.want(r.get(index+"/navigation&ajax_request=1", ajax), "wordpress")
	query := func(sql string) string {
		return r.post(index+"/import", url.Values{"sql_query": {sql}, "db": {"wordpress"}, "table": {""}, "token": {token}, "is_js_confirmed": {"0"},
			"goto": {"index.php?route=/database/sql"}, "server": {"1"}, "ajax_request": {"true"}, "show_query": {"1"}}, ajax)
	}
	r.want(query("CREATE TABLE things (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(40)) DEFAULT CHARSET utf8mb4"), `"success":true`)
	r.want(query("INSERT INTO things (name) VALUES ('ünïcode'), ('two'), ('back\\\\slash')"), `"success":true`)
	r.want(query("SELECT * FROM things ORDER BY id"), `\u00fcn\u00efcode`)
	r.want(query("SELECT nothing FROM nowhere"), `"success":false`)
	r.upload(index+"/import", url.Values{"token": {token}, "import_type": {"database"}, "db": {"wordpress"}, "format": {"sql"}, "charset_of_file": {"utf-8"},
		"sql_compatibility": {"NONE"}, "allow_interrupt": {"yes"}, "skip_queries": {"0"}, "server": {"1"}, "ajax_request": {"true"}}, "import_file", "more.sql",
		[]byte("INSERT INTO things (name) VALUES ('from a file');\n"+strings.Repeat("-- a long comment that goes nowhere\n", 20000)))
	r.want(r.get(index+"/sql&db=wordpress&table=things&pos=0"), "from a file")
	r.want(r.post(index+"/export", url.Values{"token": {token}, "db": {"wordpress"}, "table": {""}, "export_type": {"database"}, "export_method": {"quick"},
		"quick_or_custom": {"quick"}, "what": {"sql"}, "table_select[]": {"things"}, "table_structure[]": {"things"}, "table_data[]": {"things"},
		"sql_structure_or_data": {"structure_and_data"}, "sql_create_table": {"something"}, "output_format": {"sendit"}, "filename_template": {"@DATABASE@"}, "asfile": {"sendit"}, "compression": {"none"}, "charset": {"utf-8"}, "server": {"1"}}), "INSERT INTO things")
	r.get(index + "/database/structure&db=wordpress")
	r.get(index + "/server/engines")
	r.want(r.get("/phpmyadmin/index.php?route=/messages&l=en&v=1"), "Messages")
	r.get("/phpmyadmin/themes/pmahomme/css/theme.css", "Range: bytes=0-99")
	r.get("/phpmyadmin/libraries/vendor_config.php")
	r.get("/phpmyadmin/templates/login/form.twig")
	r.get("/phpmyadmin/url.php?url=https%3A%2F%2Fwww.phpmyadmin.net%2F")
	r.get("/phpmyadmin/index.php/path/info?route=/server/databases")
	r.ask("HEAD", index+"/server/databases", "", nil)
	r.post(index+"/logout", url.Values{"token": {token}, "server": {"1"}})
	r.want(r.get("/phpmyadmin/"), "pma_username")
}

// wiki is MediaWiki as Debian's package has it, with settings and pictures of the test's own.
func wiki(p *place) string {
	p.give("images")
	p.give("cache")
	p.write("own.php", `<?php
$wgUploadDirectory = 'DIR/images';
$wgUploadPath = '/images';
$wgEnableUploads = true;
$wgCacheDirectory = 'DIR/cache';
$wgSecretKey = str_repeat('ab', 32);
$wgArticlePath = '/page/$1';
$wgMainCacheType = CACHE_DB;
$wgUseImageMagick = false;
`)
	return `SetEnv MW_CONFIG_FILE DIR/LocalSettings.php
Alias /wiki /usr/share/mediawiki
<Directory /usr/share/mediawiki>
	Options FollowSymLinks
	Require all granted
</Directory>
RewriteEngine On
RewriteRule ^/page(/.*)?$ /usr/share/mediawiki/index.php
Alias /images DIR/images
<Directory DIR/images>
	Require all granted
	php_admin_flag engine off
	ErrorDocument 404 /wiki/thumb_handler.php
</Directory>
`
}

// TestMediaWikiInApache has MediaWiki, which its own installer has made a wiki with, used in each mode.
func TestMediaWikiInApache(t *testing.T) {
	a := application{
		extensions: wikiExtensions,
		modules:    "headers",
		conf:       wiki,
		use:        useMediaWiki,
	}
	a.inEachMode(t)
}

var wikiExtensions = []string{"mysqlnd", "mysqli", "curl", "dom", "fileinfo", "gd", "intl", "mbstring", "simplexml", "xml", "xmlreader", "iconv"}

// installMediaWiki has MediaWiki's command make the tables and the file of settings.
func installMediaWiki(r *recorder) {
	r.t.Helper()
	cmd := exec.Command(stock, "/usr/share/mediawiki/maintenance/install.php", "--dbtype", "mysql", "--dbserver", "localhost:"+r.path("db.sock"), "--dbname", "wordpress",
		"--dbuser", "wordpress", "--dbpass", "secret", "--installdbuser", "wordpress", "--installdbpass", "secret", "--server", "http://"+r.address, "--scriptpath", "/wiki",
		"--confpath", r.dir, "--pass", wordPressPassword, "--skins", "Vector,MonoBook", "A wiki", wordPressAdmin)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.dir, "LC_ALL=C"}, r.env...)
	if said, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("install.php: %v\n%s", err, said)
	}
	settings := r.log("LocalSettings.php")
	r.write("LocalSettings.php", settings+"\nrequire 'DIR/own.php';\n")
}

func useMediaWiki(r *recorder) {
	installMediaWiki(r)
	const api = "/wiki/api.php?format=json&formatversion=2&action="
	r.get("/wiki/")
	r.want(r.get("/page/Main_Page"), "MediaWiki has been installed")
	r.want(r.get("/wiki/index.php/Main_Page", "Accept-Encoding: gzip"), "MediaWiki has been installed")
	r.want(r.get("/wiki/index.php?title=Main_Page&action=raw"), "MediaWiki has been installed")
	r.ask("HEAD", "/page/Main_Page", "", nil)
	r.get("/page/Nothing")
	r.want(r.get("/wiki/load.php?lang=en&modules=startup&only=scripts&raw=1&skin=vector"), "mw.loader")
	r.get("/wiki/load.php?lang=en&modules=site.styles&only=styles&skin=vector")

	for _, password := range []string{"wrong", wordPressPassword} {
		login := r.want(r.get("/wiki/index.php?title=Special:UserLogin"), "wpLoginToken")
		r.post("/wiki/index.php?title=Special:UserLogin", url.Values{"wpName": {wordPressAdmin}, "wpPassword": {password}, "wploginattempt": {"Log in"},
			"wpEditToken": {"+\\"}, "authAction": {"login"}, "force": {""}, "wpLoginToken": {r.hidden(login, "wpLoginToken")}})
	}
	r.want(r.get("/page/Special:Preferences"), "Preferences")
	edit := r.want(r.get("/wiki/index.php?title=Ünïcode_page&action=edit"), "wpEditToken")
	form := url.Values{"wpUnicodeCheck": {"ℳ𝒲♥𝓊𝓃𝒾𝒸ℴ𝒹ℯ"}, "wpTextbox1": {"A '''page''' with ünïcode, backslashes \\ and a [[Main Page|link]].\n[[File:Picture.png|120px]]"},
		"wpSummary": {"first"}, "wpSave": {"Save page"}, "wpUltimateParam": {"1"}, "model": {"wikitext"}, "format": {"text/x-wiki"}, "wpSection": {""},
		"wpStarttime": {r.hidden(edit, "wpStarttime")}, "wpEdittime": {r.hidden(edit, "wpEdittime")}, "editRevId": {"0"}, "oldid": {"0"},
		"parentRevId": {"0"}, "wpEditToken": {r.hidden(edit, "wpEditToken")}, "wpAutoSummary": {r.hidden(edit, "wpAutoSummary")}}
	r.post("/wiki/index.php?title=Ünïcode_page&action=submit", form)
	r.want(r.get("/wiki/index.php/Ünïcode_page"), "with ünïcode, backslashes \\ and")
	r.get("/page/Special:Search?search=backslashes&fulltext=1")
	r.get("/wiki/index.php?search=Main+Page")

	token := regexp.MustCompile(`"csrftoken":"([^"]*)"`).FindStringSubmatch(r.get(api + "query&meta=tokens%7Csiteinfo&siprop=general"))
	if token == nil {
		r.t.Fatal("api.php gives no token")
	}
	csrf := strings.ReplaceAll(token[1], `\\`, `\`)
	r.want(r.upload("/wiki/api.php", url.Values{"action": {"upload"}, "format": {"json"}, "filename": {"Picture.png"}, "token": {csrf}, "ignorewarnings": {"1"}},
		"file", "picture.png", drawn(300, 200)), "Success")
	r.want(r.post("/wiki/api.php", url.Values{"action": {"edit"}, "format": {"json"}, "title": {"From the API"}, "text": {"said to api.php"}, "token": {csrf}}), "Success")
	r.want(r.get(api+"query&titles=From_the_API&prop=revisions&rvslots=main&rvprop=content"), "said to api.php")
	r.get(api + "query&list=search&srsearch=backslashes")
	r.get("/wiki/api.php")
	r.get("/wiki/rest.php/v1/page/Main_Page")
	r.get("/wiki/rest.php/v1/page/Nothing")
	r.get("/page/%C3%9Cn%C3%AFcode_page")
	r.get("/page/File:Picture.png")
	r.want(r.get("/wiki/thumb.php?f=Picture.png&w=120"), "PNG")
	r.get("/wiki/thumb.php?f=Picture.png&w=120", "If-Modified-Since: Fri, 01 Jan 2038 00:00:00 GMT")
	r.get("/wiki/thumb.php?f=Picture.png&w=120", "Range: bytes=0-49")
	r.ask("HEAD", "/wiki/thumb.php?f=Picture.png&w=120", "", nil)
	r.get("/wiki/thumb.php?f=Nothing.png&w=120")
	picture := regexp.MustCompile(`/images/[^"]*/Picture\.png`).FindString(r.get(api + "query&titles=File:Picture.png&prop=imageinfo&iiprop=url"))
	r.get(picture)
	r.get(strings.Replace(picture, "/images/", "/images/thumb/", 1) + "/77px-Picture.png") // made by the ErrorDocument
	r.get(strings.Replace(picture, "/images/", "/images/thumb/", 1) + "/77px-Picture.png")
	r.get("/wiki/opensearch_desc.php")
	r.want(r.get("/page/Special:Version?uselang=de"), "apache2handler")
	r.get("/wiki/index.php?title=%C3%9Cn%C3%AFcode_page&action=history&feed=atom")
	r.get("/wiki/index.php?title=%C3%9Cn%C3%AFcode_page&action=history")
	r.get("/wiki/index.php?title=Special:Export/Main_Page")
	r.post("/wiki/index.php?title=Special:UserLogout", url.Values{"wpEditToken": {csrf}})
	r.get("/page/Special:Preferences")
}
