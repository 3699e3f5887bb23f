//go:build e2e

package e2e

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
)

// Each request of WordPress's visitors is answered by a worker that was forked from the booted core. What they get is what
// ordinary workers answer, byte for byte.
func TestWordPressOfASnapshot(t *testing.T) {
	p := wordPress(t)
	p.wanted = append(p.wanted, "translation-install.php") // it looks for translations
	script, err := os.ReadFile("testdata/wordpress-snapshot.php")
	if err != nil {
		t.Fatal(err)
	}
	p.write("www/worker.php", string(script))
	d := p.door("", preamble)
	admin := visit(t, d.address)
	setUpWordPress(p, admin)
	logIn(admin)
	stranger := visit(t, d.address)
	stranger.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

	pages := []string{"/", "/?p=1", "/?page_id=2", "/?feed=rss2", "/?s=hello", "/?p=999", "/?author=1", "/?p=1&replytocom=1", "/index.php?p=1",
		"/index.php?rest_route=/wp/v2/posts", "/?sitemap=index", "/wp-login.php", "/wp-login.php?action=lostpassword", "/wp-admin/", "/xmlrpc.php"}
	look := func(s *site, path string) string {
		response, err := s.browser.Get(s.at(path))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.Status + "\n" + response.Header.Get("Content-Type") + "\n" + response.Header.Get("Location") + "\n" + string(body)
	}
	ordinary := map[string]string{}
	for _, path := range pages {
		ordinary[path] = look(stranger, path)
	}
	atHome := look(admin, "/") // it has the administrator's bar

	p.write("phpsapi.yaml", p.log("phpsapi.yaml")+"pools:\n  www:\n    worker:\n      script: DIR/www/worker.php\n"+
		"      for: [index.php, wp-login.php, wp-comments-post.php]\n      snapshot: 1\n")
	if said, err := p.reload(); err != nil {
		t.Fatalf("phpsapi fpm reload: %v: %s", err, said)
	}
	for range 3 {
		for _, path := range pages {
			if got := look(stranger, path); got != ordinary[path] {
				t.Errorf("%s: %s, of an ordinary worker %s", path, got, ordinary[path])
			}
		}
		if got := look(admin, "/"); got != atHome {
			t.Errorf("logged in: %s, of an ordinary worker %s", got, atHome)
		}
	}
	if strings.Contains(p.log("fpm-error.log"), "no snapshot") {
		t.Error("there is no snapshot")
	}

	// What is written is seen by the next request: a comment, an option, a login.
	stranger.browser.CheckRedirect = nil
	text := `Said by O'Neil, with "quotes" and \backslashes\`
	stranger.post("/wp-comments-post.php", "O&#8217;Neil, with &#8220;quotes&#8221; and \\backslashes\\", url.Values{"comment": {text}, "author": {"O'Neil"},
		"email": {"o@example.org"}, "comment_post_ID": {"1"}, "comment_parent": {"0"}})
	admin.post("/wp-admin/options.php", "Settings saved", url.Values{
		"option_page": {"general"}, "action": {"update"}, "_wpnonce": {field(t, admin.get("/wp-admin/options-general.php", "Site Title"), "_wpnonce")},
		"_wp_http_referer": {"/wp-admin/options-general.php"}, "blogname": {"Renamed"}, "blogdescription": {""}, "admin_email": {"admin@example.org"},
		"new_admin_email": {"admin@example.org"}, "siteurl": {stranger.url}, "home": {stranger.url}, "default_role": {"subscriber"},
		"timezone_string": {"UTC"}, "date_format": {"F j, Y"}, "time_format": {"g:i a"}, "start_of_week": {"1"}})
	stranger.get("/", "<title>Renamed</title>")
	again := visit(t, d.address)
	logIn(again)
	leave := regexp.MustCompile(`wp-login\.php\?action=logout[^"']*_wpnonce=(\w+)`).FindStringSubmatch(again.get("/", "Howdy"))
	if leave == nil {
		t.Fatal("no way to log out")
	}
	again.get("/wp-login.php?action=logout&_wpnonce="+leave[1], "You are now logged out")
	again.get("/wp-admin/", "Username or Email Address")
}
