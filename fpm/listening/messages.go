package listening

import (
	"fmt"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/sapi"
)

// lines are the package's messages: one method each, in php-fpm's words.
type lines struct{ *zlog.Log }

func (l lines) socketInherited(fd int, key string) {
	l.Logf(zlog.Notice, "using inherited socket fd=%d, \"%s\"", fd, key)
}

func (l lines) portInvalid(port string) { l.Logf(zlog.Error, "invalid port value '%s'", port) }

// lookupFailed ends in an empty line before 8.4, as php-fpm's does.
func (l lines) lookupFailed(err error, php sapi.PHPVersion) {
	end := ""
	if !php.AtLeast(8, 4) {
		end = "\n"
	}
	l.Logf(zlog.Error, "getaddrinfo: %v"+end, err)
}

func (l lines) pathCut(pool, path, cut string) {
	l.Logf(zlog.Warning, "[pool %s] cannot bind to UNIX socket '%s' as path is too long (found length: %d, maximal length: %d), "+
		"trying cut socket path instead '%s'", pool, path, len(path), conf.MaxSocketPath+1, cut)
}

func (l lines) addressFound(host, address string) {
	l.Logf(zlog.Debug, "Found address for %s, socket opened on %s", host, address)
}

func (l lines) addressIgnored(host, address string) {
	l.Logf(zlog.Warning, "Found multiple addresses for %s, %s ignored", host, address)
}

func (l lines) tryingIPv4() {
	l.Log.Log(zlog.Notice, "Failed implicitly binding to ::, retrying with 0.0.0.0")
}

func (l lines) socketNotMade(err error) {
	l.LogErr(zlog.Error, "failed to create new listening socket: socket()", err)
}

func (l lines) anotherInstance(path string) {
	l.Logf(zlog.Error, "Another FPM instance seems to already listen on %s", path)
}

func (l lines) bindFailed(address string, err error) {
	l.LogErr(zlog.Error, "unable to bind listening socket for address '"+address+"'", err)
}

func (l lines) listenFailed(address string, err error) {
	l.LogErr(zlog.Error, "failed to listen to address '"+address+"'", err)
}

func (l lines) chownFailed(pool, address string, err error) {
	l.LogErr(zlog.Error, fmt.Sprintf("[pool %s] failed to chown() the socket '%s'", pool, address), err)
}

func (l lines) aclNotRead(pool, path string, err error) {
	l.LogErr(zlog.Error, fmt.Sprintf("[pool %s] failed to read the ACL of the socket '%s'", pool, path), err)
}

func (l lines) aclNotWritten(pool, path string, err error) {
	l.LogErr(zlog.Error, fmt.Sprintf("[pool %s] failed to write the ACL of the socket '%s'", pool, path), err)
}

func (l lines) aclSet(pool, path string) {
	l.Logf(zlog.Debug, "[pool %s] ACL of the socket '%s' is set", pool, path)
}
