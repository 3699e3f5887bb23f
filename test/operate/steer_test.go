package operate

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/test/client"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

// load lets clients ask a pool for a script, half of them on connections that are kept.
func (s *service) load(clients int, pool, script, want string) *serve.Load {
	return serve.StartLoad(clients, 0, func(n int) serve.LoadClient {
		c := s.client(pool)
		c.Kept = n%2 == 0
		request := client.Encode(s.Dir, script, "", c.Kept)
		return serve.LoadClient{Close: c.Close, Ask: func() error {
			if err := c.Ask(request); err != nil || c.Body() != want {
				return fmt.Errorf("%q, %v", c.Body(), err)
			}
			return nil
		}}
	})
}

// A pool is scaled up and down while clients ask, and paused and resumed: no request fails.
func TestPoolsAreScaledAndPausedUnderLoad(t *testing.T) {
	t.Parallel()
	for name, pm := range map[string]string{
		"static":   "pm = static\npm.max_children = 2\n",
		"dynamic":  "pm = dynamic\npm.max_children = 2\npm.start_servers = 1\npm.min_spare_servers = 1\npm.max_spare_servers = 2\n",
		"ondemand": "pm = ondemand\npm.max_children = 2\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := prepare(t, pm, "pm = static\npm.max_children = 1\n", map[string]string{"short.php": `<?php usleep(2000); echo "short";`}).start()
			l := s.load(4, "www", "short.php", "short")
			for range 3 {
				for _, n := range []int{6, 1, 3} {
					s.wants(fmt.Sprintf(`^pool www may have %d workers? until the next reload, then 2 again; it has \d`, n), "scale", "www", fmt.Sprint(n))
				}
				s.wants(`^pool www takes no connections, until phpsapi fpm resume www or the next reload`, "pause", "www")
				s.wants(`^pool www takes connections`, "resume", "www")
				s.wants(`pool www is drained: it has no workers and takes no connections, until`, "drain", "www")
				before := l.Asked()
				time.Sleep(100 * time.Millisecond)
				if n := l.Asked() - before; n > 4 { // the answers to those that it had may be on their way
					t.Errorf("a drained pool has answered %d requests", n)
				}
				s.wants(`^pool www takes connections`, "resume", "www")
				wait.Until(t, "answers", func() bool { return l.Asked() > before+10 })
			}
			s.wants(`^pool www may have 2 workers, as configured`, "scale", "www", "2")
			wait.Until(t, "a hundred requests", func() bool { return l.Asked() >= 100 })
			if wrong := l.End(); len(wrong) > 0 {
				t.Errorf("%d requests, failed: %v", l.Asked(), wrong)
			}
			if name == "static" {
				wait.Until(t, "two workers", func() bool {
					var p control.Steered
					s.Tell(&p, "scale", "www", "2")
					return p.Workers == 2
				})
			}
			s.refuses(1, `^phpsapi fpm scale: pool www can have 18 workers at most until the next reload: its shared memory was made for pm\.max_children = 2;`, "scale", "www", "19")
			s.refuses(64, `^phpsapi fpm scale: a number of workers is missing;`, "scale", "www")
			s.refuses(1, `^phpsapi fpm pause: there is no pool wwww; the service has api, www\n$`, "pause", "wwww")
			var all struct {
				Incidents []any
			}
			if s.Tell(&all, "incidents"); len(all.Incidents) > 0 {
				t.Errorf("incidents: %+v", all.Incidents)
			}
		})
	}
}

// By HTTP a paused pool's requests wait, no matter which process accepts them; files are sent meanwhile.
func TestPausedPoolBehindHTTP(t *testing.T) {
	t.Parallel()
	for _, direct := range []string{"auto", "off"} {
		t.Run("direct "+direct, func(t *testing.T) {
			t.Parallel()
			s := prepare(t, static, static, map[string]string{"one.php": `<?php echo 1;`, "page.txt": "text"})
			s.Write("phpsapi.yaml", fmt.Sprintf("http: {listen: '%s', root: ., pool: www, direct: %s}\n", s.Address, direct))
			s.start()
			get := func(path string) string {
				status, body := serve.Ask(&http.Client{Timeout: client.Patience, Transport: &http.Transport{DisableKeepAlives: true}}, s.URL(path))
				return fmt.Sprint(status, " ", body)
			}
			wait.Until(t, "the front", func() bool { return get("/one.php") == "200 1" })
			s.wants("^pool www takes no connections", "pause", "www")
			answers := make(chan string, 3)
			for range cap(answers) {
				go func() { answers <- get("/one.php") }()
			}
			if got := get("/page.txt"); got != "200 text" {
				t.Errorf("a file: %s", got)
			}
			select {
			case got := <-answers:
				t.Errorf("a paused pool answered %s", got)
			case <-time.After(700 * time.Millisecond): // until the front accepts in place of workers
			}
			s.wants("^pool www takes connections", "resume", "www")
			for range cap(answers) {
				if got := <-answers; got != "200 1" {
					t.Errorf("a request that has waited got %s", got)
				}
			}
			s.wants("as configured|until the next reload", "scale", "www", "4")
			s.wants(`(?m)^pool www, 4 workers at most until the next reload, then 2 again$`, "status")
			s.wants("^reloaded", "reload")
			if got := get("/one.php"); got != "200 1" {
				t.Errorf("after a reload: %s", got)
			}
		})
	}
}
