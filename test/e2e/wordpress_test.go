//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// mariadb runs MariaDB on DIR/db.sock, with an empty database wordpress and a user of the same name.
func (p *place) mariadb() {
	p.t.Helper()
	// As root it would become another user; these are files of the test's own.
	user := "--user=" + ifRoot("root")
	if os.Geteuid() != 0 {
		user = "--skip-name-resolve"
	}
	if said, err := exec.Command("timeout", "60", "mariadb-install-db", "--no-defaults", user, "--auth-root-authentication-method=normal",
		"--skip-test-db", "--datadir="+p.path("db")).CombinedOutput(); err != nil {
		p.t.Fatalf("mariadb-install-db: %v\n%s", err, said)
	}
	ready := func() error {
		cmd := exec.Command("timeout", "10", "mariadb", "--no-defaults", "--socket="+p.path("db.sock"), "--user=root", "-e",
			"CREATE DATABASE IF NOT EXISTS wordpress; GRANT ALL ON wordpress.* TO wordpress@localhost IDENTIFIED BY 'secret'")
		if said, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, said)
		}
		return nil
	}
	p.start("mariadb", syscall.SIGTERM, ready, "/usr/sbin/mariadbd", "--no-defaults", user, "--datadir="+p.path("db"),
		"--socket="+p.path("db.sock"), "--pid-file="+p.path("db.pid"), "--skip-networking", "--innodb-buffer-pool-size=32M",
		"--innodb-flush-log-at-trx-commit=0", "--character-set-server=utf8mb4")
}

// TestWordPress has WordPress set itself up by its own pages, and then used, behind nginx, behind Apache and by
// phpsapi alone.
func TestWordPress(t *testing.T) {
	for _, web := range []struct {
		name  string
		serve func(p *place) string
	}{
		{"nginx", func(p *place) string {
			return p.nginx("location / { try_files $uri $uri/ /index.php?$args; }" + nginxFPM)
		}},
		{"apache", func(p *place) string { return p.apache("proxy proxy_fcgi setenvif", apacheFPM) }},
	} {
		t.Run(web.name, func(t *testing.T) {
			bothFPM(t, func(t *testing.T, fpm string) {
				p := wordPress(t)
				p.fpm(fpm, preamble)
				useWordPress(t, p, visit(t, web.serve(p)), "fpm-fcgi")
			})
		})
	}
	t.Run("phpsapi", func(t *testing.T) {
		p := wordPress(t)
		useWordPress(t, p, visit(t, p.door("", preamble).address), "fpm-fcgi")
	})
}

// wordPress is a place with WordPress in DIR/www, and a database for it.
func wordPress(t *testing.T) *place {
	t.Helper()
	p := at(t)
	p.wanted = append(p.wanted, "Undefined variable $upload_", // the installer of Debian's 6.1.9
		"could not establish a secure connection to WordPress.org", "server reached pm.max_children setting")
	copyTree(t, "/usr/share/wordpress", p.path("www"))
	// Debian's is for sites that /etc/wordpress describes. Without it WordPress asks, and writes its own.
	for _, name := range []string{"wp-config.php", ".htaccess"} {
		if err := os.Remove(p.path("www/" + name)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	p.give("www")
	p.write("prepend.php", `<?php define('WP_HTTP_BLOCK_EXTERNAL', true); // it looks for updates and translations`)
	p.extensions(stockFPM, wordPressExtensions...)
	p.mariadb()
	return p
}

// wordPressExtensions are what WordPress uses.
var wordPressExtensions = []string{"mysqlnd", "mysqli", "curl", "dom", "exif", "fileinfo", "gd", "intl", "mbstring", "simplexml", "xml", "xmlreader", "zip"}

// preamble is what WordPress's pool has beside the usual.
const preamble = "php_admin_value[auto_prepend_file] = DIR/prepend.php\n"

// What the administrator of WordPress is called, and says.
const (
	wordPressAdmin    = "admin"
	wordPressPassword = "correct horse & battery"
)

// setUpWordPress has WordPress set itself up by its own pages: a file of settings, then the tables.
func setUpWordPress(p *place, s *site) {
	s.get("/", "wp-config.php") // by a redirect
	s.get("/wp-admin/setup-config.php?step=1", "Database Host")
	s.post("/wp-admin/setup-config.php?step=2", "Run the installation", url.Values{
		"dbname": {"wordpress"}, "uname": {"wordpress"}, "pwd": {"secret"}, "dbhost": {"localhost:" + p.path("db.sock")},
		"prefix": {"wp_"}, "language": {""}, "noapi": {"1"},
	})
	s.get("/wp-admin/install.php", "Site Title")
	s.post("/wp-admin/install.php?step=2", "WordPress has been installed", url.Values{
		"weblog_title": {"A <b>site</b> & more"}, "user_name": {wordPressAdmin}, "admin_password": {wordPressPassword},
		"admin_password2": {wordPressPassword}, "admin_email": {"admin@example.org"}, "blog_public": {"0"}, "pw_weak": {"on"}, "language": {""},
	})
	s.get("/", "Hello world!")
}

// logIn logs the administrator in.
func logIn(s *site) {
	s.get("/wp-login.php", "Username or Email Address")
	s.post("/wp-login.php", "Dashboard", url.Values{"log": {wordPressAdmin}, "pwd": {wordPressPassword}, "testcookie": {"1"}, "wp-submit": {"Log In"}})
}

// useWordPress has WordPress used. api is what php_sapi_name() returns.
func useWordPress(t *testing.T, p *place, s *site, api string) {
	setUpWordPress(p, s)

	// Logging in: a wrong password, the right one, a page that only the administrator sees.
	stranger := visit(t, strings.TrimPrefix(s.url, "http://"))
	stranger.get("/wp-admin/", "Username or Email Address") // by a redirect
	s.get("/wp-login.php", "Username or Email Address")
	s.post("/wp-login.php", "is incorrect", url.Values{"log": {wordPressAdmin}, "pwd": {"wrong"}, "testcookie": {"1"}, "wp-submit": {"Log In"}})
	logIn(s)
	s.get("/wp-admin/plugins.php", "Plugins")
	s.get("/wp-admin/site-health.php?tab=debug", api)

	// A picture, which WordPress makes smaller ones of.
	picture := drawn(1200, 900)
	uploaded := s.upload("/wp-admin/async-upload.php", map[string]string{
		"action": "upload-attachment", "name": "pïcture.png",
		"_wpnonce": field(t, s.get("/wp-admin/media-new.php", "Upload New Media"), "_wpnonce"),
	}, "async-upload", "pïcture.png", picture)
	var attachment struct {
		Success bool
		Data    struct {
			ID    int
			URL   string
			Sizes map[string]struct{ URL string }
		}
	}
	if err := json.Unmarshal([]byte(uploaded), &attachment); err != nil || !attachment.Success {
		t.Fatalf("the upload was answered by %s", uploaded)
	}
	if got := s.fetch(attachment.Data.URL); !bytes.Equal(got, picture) {
		t.Errorf("the picture that came back has %d bytes, the one that was sent %d", len(got), len(picture))
	}
	thumbnail, err := png.DecodeConfig(bytes.NewReader(s.fetch(attachment.Data.Sizes["thumbnail"].URL)))
	if err != nil || thumbnail.Width != 150 || thumbnail.Height != 150 {
		t.Errorf("the thumbnail is %v, %v", thumbnail, err)
	}

	// A post with the picture, by the REST interface as the editor does it; read by somebody else.
	nonce := s.get("/wp-admin/admin-ajax.php?action=rest-nonce", "")
	text := "Written through phpsapi, ünïcode and \\backslashes\\ too."
	var post struct {
		ID     int
		Link   string
		Status string
	}
	s.rest("/index.php?rest_route=/wp/v2/posts", nonce, map[string]any{
		"title": "A post with a picture", "status": "publish", "featured_media": attachment.Data.ID,
		"content": fmt.Sprintf(`<p>%s</p><figure><img src="%s" class="wp-image-%d"/></figure>`, text, attachment.Data.URL, attachment.Data.ID),
	}, &post)
	if post.Status != "publish" {
		t.Fatalf("the post is %+v", post)
	}
	read := stranger.get(strings.TrimPrefix(post.Link, s.url), "phpsapi, ünïcode and \\backslashes\\ too.")
	if !strings.Contains(read, attachment.Data.URL) {
		t.Errorf("the picture is not in the post:\n%.2000s", read)
	}
	stranger.get("/?s=backslashes", "A post with a picture")
	stranger.get("/?feed=rss2", "<title>A post with a picture</title>")

	// Comments: the administrator's is there at once, a stranger's is shown to the stranger alone.
	comment := func(by *site, said string) {
		by.post("/wp-comments-post.php", said, url.Values{"comment": {said}, "author": {"A stranger"}, "email": {"stranger@example.org"},
			"comment_post_ID": {fmt.Sprint(post.ID)}, "comment_parent": {"0"}, "submit": {"Post Comment"}})
	}
	comment(stranger, "A stranger says hello") // first: WordPress refuses a second one within 15 seconds, but not the administrator's
	comment(s, "The administrator says hello")
	if read := visit(t, strings.TrimPrefix(s.url, "http://")).get(strings.TrimPrefix(post.Link, s.url), "The administrator says hello"); strings.Contains(read, "A stranger says hello") {
		t.Error("a comment that nobody has approved is shown to all")
	}

	// Addresses of words: the web server's rewriting, and PATH_INFO.
	for _, structure := range []string{"/index.php/read/%postname%/", "/%postname%/"} {
		nonce := field(t, s.get("/wp-admin/options-permalink.php", "Permalink Settings"), "_wpnonce")
		s.post("/wp-admin/options-permalink.php", "Permalink structure updated", url.Values{
			"_wpnonce": {nonce}, "_wp_http_referer": {"/wp-admin/options-permalink.php"}, "selection": {"custom"},
			"permalink_structure": {structure}, "category_base": {""}, "tag_base": {""}, "submit": {"Save Changes"},
		})
		address := strings.Replace(structure, "%postname%", "a-post-with-a-picture", 1)
		stranger.get(address, "ünïcode and")
		stranger.get(fmt.Sprintf("/?p=%d", post.ID), "ünïcode and") // by a redirect to address
		if status := stranger.status(strings.Replace(address, "picture", "pictüre", 1)); status != http.StatusNotFound {
			t.Errorf("a post that is not there: status %d", status)
		}
	}
	stranger.get("/wp-cron.php", "")
	if status := stranger.status("/wp-cron.php/../nothing.php"); status != http.StatusNotFound {
		t.Errorf("a script that is not there: status %d", status)
	}
	browseWordPress(p, s.url)
	logout := regexp.MustCompile(`wp-login\.php\?action=logout[^"']*_wpnonce=(\w+)`).FindStringSubmatch(s.get("/wp-admin/", "Dashboard"))
	if logout == nil {
		t.Fatal("no way to log out")
	}
	s.get("/wp-login.php?action=logout&_wpnonce="+logout[1], "You are now logged out")
	s.get("/wp-admin/", "Username or Email Address")
}

// browseWordPress has Chromium read the post with the picture as a visitor, log in, and publish a post from WordPress's
// own editor, which is a program of a hundred files in the browser. Addresses are of words by now.
func browseWordPress(p *place, url string) {
	c := p.chromium(url)
	c.open("/a-post-with-a-picture/", http.StatusOK, "Written through phpsapi, ünïcode and \\backslashes\\ too.")
	c.awaits(`document.querySelector(".entry-content img").naturalWidth > 100`)
	c.awaits(`getComputedStyle(document.body).margin == "0px"`) // the theme's, not the browser's own
	c.shot("post")
	c.untroubled()

	c.open("/wp-login.php", http.StatusOK, "Username or Email Address")
	c.fill("#user_login", wordPressAdmin)
	c.fill("#user_pass", wordPressPassword)
	c.click("#wp-submit", http.StatusOK, "Dashboard")
	c.expect("_wp-find-template=true: 404") // the editor asks so for the template of a post that is not published yet
	c.open("/wp-admin/post-new.php", http.StatusOK, "")
	c.awaits(`!!window.wp && !!wp.data && !!wp.data.select("core/editor") && wp.data.select("core/editor").getCurrentPostType() == "post"`)
	c.evaluate(`(async () => {
		const editor = wp.data.dispatch("core/editor");
		await editor.editPost({title: "From the browser", content: "<!-- wp:paragraph --><p>Typed in Chromium</p><!-- /wp:paragraph -->",
			status: "publish"});
		await editor.savePost();
		return "";
	})()`)
	c.awaits(`wp.data.select("core/editor").didPostSaveRequestSucceed()`)
	c.shot("editor")
	c.open("/from-the-browser/", http.StatusOK, "Typed in Chromium")
	c.untroubled()
}

// drawn is a PNG, of colours that one can see and noise that makes it large.
func drawn(width, height int) []byte {
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			picture.Set(x, y, color.RGBA{uint8(255 * x / width), uint8(255 * y / height), uint8(x * y), 255})
		}
	}
	var file bytes.Buffer
	if err := png.Encode(&file, picture); err != nil {
		panic(err)
	}
	return file.Bytes()
}

// upload posts a form with a file in it.
func (s *site) upload(path string, fields map[string]string, field, name string, file []byte) string {
	s.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range fields {
		form.WriteField(name, value)
	}
	part, err := form.CreateFormFile(field, name)
	if err != nil {
		s.t.Fatal(err)
	}
	part.Write(file)
	form.Close()
	return s.page("POST", path, "")(s.browser.Post(s.at(path), form.FormDataContentType(), &body))
}

// rest sends JSON and reads the JSON that answers.
func (s *site) rest(path, nonce string, sent, received any) {
	s.t.Helper()
	body, err := json.Marshal(sent)
	if err != nil {
		s.t.Fatal(err)
	}
	request, err := http.NewRequest("POST", s.at(path), bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-WP-Nonce", nonce)
	response, err := s.browser.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusCreated || json.Unmarshal(answer, received) != nil {
		s.t.Fatalf("POST %s: %s, %v: %.2000s", path, response.Status, err, answer)
	}
}

// fetch gets a whole URL's bytes.
func (s *site) fetch(url string) []byte {
	s.t.Helper()
	response, err := s.browser.Get(url)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		s.t.Fatalf("GET %s: %s, %v", url, response.Status, err)
	}
	return body
}

// status is how a page is answered.
func (s *site) status(path string) int {
	s.t.Helper()
	response, err := s.browser.Get(s.at(path))
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	io.Copy(io.Discard, response.Body)
	return response.StatusCode
}
