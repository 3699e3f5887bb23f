package server

import (
	"fmt"
	"io/fs"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/sapi"
)

// Settings are what the environment sets for a FastCGI server.
type Settings struct {
	Highlight bool // show scripts' sources: php-cgi's option -s, the only setting that is not from the environment

	Children    int         // PHP_FCGI_CHILDREN; 0: the process answers itself
	MaxRequests int         // PHP_FCGI_MAX_REQUESTS: after so many a process ends; 0: never
	Backlog     int         // PHP_FCGI_BACKLOG
	SocketMode  fs.FileMode // PHPSAPI_CGI_SOCKET_MODE: of a unix socket

	StopTimeout time.Duration // PHPSAPI_CGI_STOP_TIMEOUT: for the children's requests when the server is told to end

	Allowed []netip.Addr // FCGI_WEB_SERVER_ADDRS: the clients that may connect by TCP,
	Limited bool         // where it is set

	// Connections are how many there may be at a time, as FCGI_MAX_CONNS and FCGI_MAX_REQS tell a web server:
	// PHP_FCGI_CHILDREN as it stands, or 1.
	Connections string
}

// php-cgi's defaults; its sockets' mode apart.
const (
	defaultMaxRequests = 500
	defaultBacklog     = 128
	defaultSocketMode  = 0o660
	defaultStopTimeout = 10 * time.Second
)

// ReadSettings reads the environment. An error names the variable. warn is called with a sentence for each value that is wrong
// and can be ignored.
func ReadSettings(getenv func(string) (string, bool), warn func(string)) (s Settings, err error) {
	s = Settings{MaxRequests: defaultMaxRequests, Backlog: defaultBacklog, SocketMode: defaultSocketMode,
		StopTimeout: defaultStopTimeout, Connections: "1"}
	for _, number := range []struct {
		name string
		to   *int
	}{{"PHP_FCGI_MAX_REQUESTS", &s.MaxRequests}, {"PHP_FCGI_CHILDREN", &s.Children}} {
		text, set := getenv(number.name)
		if !set {
			continue
		}
		*number.to = sapi.Atoi(text)
		if *number.to < 0 || *number.to > math.MaxInt32 || text != "" && *number.to == 0 && !strings.HasPrefix(text, "0") {
			return s, fmt.Errorf("%s is not valid: %q is not a number from 0 to %d", number.name, text, math.MaxInt32)
		}
		if number.name == "PHP_FCGI_CHILDREN" {
			s.Connections = text
		}
	}
	if text, set := getenv("PHP_FCGI_BACKLOG"); set {
		s.Backlog = sapi.Atoi(text)
	}
	if text, set := getenv("PHPSAPI_CGI_SOCKET_MODE"); set {
		mode, err := strconv.ParseUint(text, 8, 9)
		if err != nil {
			return s, fmt.Errorf("PHPSAPI_CGI_SOCKET_MODE is not valid: %q is not an octal mode such as 0660", text)
		}
		s.SocketMode = fs.FileMode(mode)
	}
	if text, set := getenv("PHPSAPI_CGI_STOP_TIMEOUT"); set {
		seconds, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return s, fmt.Errorf("PHPSAPI_CGI_STOP_TIMEOUT is not valid: %q is not a number of seconds from 0 up", text)
		}
		s.StopTimeout = time.Duration(seconds) * time.Second
	}
	if text, set := getenv("FCGI_WEB_SERVER_ADDRS"); set {
		s.Limited = true
		for _, part := range strings.Split(text, ",") {
			addr, err := netip.ParseAddr(part)
			if err != nil {
				warn(fmt.Sprintf("Wrong IP address '%s' in FCGI_WEB_SERVER_ADDRS", part))
				continue
			}
			s.Allowed = append(s.Allowed, addr)
		}
		if len(s.Allowed) == 0 {
			warn("There are no allowed addresses in FCGI_WEB_SERVER_ADDRS: every connection by TCP will be dropped")
		}
	}
	return s, nil
}
