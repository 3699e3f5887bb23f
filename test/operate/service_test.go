// Package operate operates a real service as a person does, by the program's commands.
package operate

import (
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/client"
	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
)

func TestMain(m *testing.M) { os.Exit(serve.Main(m, nil)) }

// service is a phpsapi fpm with the pools www and api. Its site has the test's scripts.
type service struct{ *serve.Service }

// prepare writes a php-fpm.conf whose two pools have such lines, and the scripts of the site.
func prepare(t *testing.T, www, api string, scripts map[string]string) *service {
	t.Helper()
	s := &service{serve.NewService(t)}
	s.LogFile = serve.Log(s.Dir)
	s.configure(www, api)
	files.Fill(t, s.Dir, scripts)
	return s
}

// configure writes the php-fpm.conf.
func (s *service) configure(www, api string) {
	s.T.Helper()
	text := serve.FPMConf(s.Dir, "", www)
	_, pool, _ := strings.Cut(text, "[www]\n")
	pool = strings.Replace(strings.Replace(pool, serve.Socket(s.Dir), s.socket("api"), 1), www, api, 1)
	s.Write("php-fpm.conf", text+"[api]\n"+pool)
}

func (s *service) socket(pool string) string {
	if pool == "www" {
		return serve.Socket(s.Dir)
	}
	return s.Path(pool + ".sock")
}

// start runs the service until it serves.
func (s *service) start(arguments ...string) *service {
	s.T.Helper()
	s.Start(arguments...)
	return s
}

// wants runs a command that must succeed, and print what matches.
func (s *service) wants(pattern string, arguments ...string) string {
	s.T.Helper()
	return s.ends(0, pattern, arguments)
}

// refuses runs a command that must fail so.
func (s *service) refuses(status int, pattern string, arguments ...string) {
	s.T.Helper()
	s.ends(status, pattern, arguments)
}

func (s *service) ends(status int, pattern string, arguments []string) (printed string) {
	s.T.Helper()
	printed, got := s.Operate(arguments...)
	if got != status || !regexp.MustCompile(pattern).MatchString(printed) {
		s.T.Errorf("phpsapi fpm %s: status %d, %q, want %d, %q", strings.Join(arguments, " "), got, printed, status, pattern)
	}
	return printed
}

// client is a client of a pool, with a connection for each request.
func (s *service) client(pool string) *client.FastCGI {
	return &client.FastCGI{Dial: func() (net.Conn, error) { return net.DialTimeout("unix", s.socket(pool), 5*time.Second) }}
}

// ask asks a pool for a script, and returns the answer's body.
func (s *service) ask(pool, script string) (string, error) {
	c := s.client(pool)
	err := c.Ask(client.Encode(s.Dir, script, "", false))
	return c.Body(), err
}
