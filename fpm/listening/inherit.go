// Counterpart: sapi/fpm/fpm/fpm_sockets.c (fpm_sockets_init_main); sd_listen_fds(3)

package listening

import (
	"os"
	"strconv"
	"strings"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// The most variables FPM_SOCKETS, FPM_SOCKETS_1, ... that are read.
const maxSocketVariables = 256

// firstActivated is the first descriptor of socket activation: SD_LISTEN_FDS_START.
const firstActivated = 3

// Inherit takes over the sockets that the environment names: a php-fpm's before it executed this program, or those
// that systemd opened. Such a socket is used by the pool whose address it has. The variables are removed.
func (s *Sockets) Inherit(log *zlog.Log) {
	for i := range maxSocketVariables {
		name := "FPM_SOCKETS"
		if i > 0 {
			name += "_" + strconv.Itoa(i)
		}
		list, set := os.LookupEnv(name)
		if !set {
			break
		}
		os.Unsetenv(name)
		for _, item := range strings.Split(list, ",") {
			key, number, found := strings.Cut(item, "=")
			fd, err := strconv.Atoi(number)
			if !found || err != nil {
				continue
			}
			lines{log}.socketInherited(fd, key)
			s.open = append(s.open, NewSocket(fd, key, conf.DomainOf(key)))
		}
	}
	s.activated(log)
}

func (s *Sockets) activated(log *zlog.Log) {
	count, err := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	pid := os.Getenv("LISTEN_PID")
	for _, name := range []string{"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"} {
		os.Unsetenv(name)
	}
	if err != nil || pid != strconv.Itoa(os.Getpid()) {
		return
	}
	for fd := firstActivated; fd < firstActivated+count; fd++ {
		if key, domain, ok := keyOf(fd); ok {
			lines{log}.socketInherited(fd, key)
			lent := NewSocket(fd, key, domain)
			lent.lent = true
			s.open = append(s.open, lent)
		}
	}
}
