package master

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/phpsapi/phpsapi/fpm/permission"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// tellDoubts warns of settings that are hardly meant.
func (m *Master) tellDoubts(g *generation) {
	for _, what := range g.plan.Doubts(g.config.Pools) {
		m.log.Logf(zlog.Warning, "%s", what)
	}
	for _, p := range g.pools {
		if p.worker == nil {
			continue
		}
		if why := p.cannotRead(p.worker.Script); why != "" {
			m.log.Logf(zlog.Warning, "%s: worker: script: %s; give it that right, or name another script", p.worker.Place, why)
		}
	}
}

// cannotRead returns why the pool's user may not read a file by its mode, its access control list and those of the directories above;
// empty: it may, or is no other than the master's, or the file's system has rules of its own.
func (p *pool) cannotRead(file string) string {
	who := &permission.User{UID: p.identity.UID, GID: p.identity.GID, Groups: p.identity.Groups}
	real, err := filepath.EvalSymlinks(file)
	if who.UID == 0 || os.Geteuid() != 0 || err != nil {
		return ""
	}
	path, bits, do := real, uint32(permission.Read), "read"
	for {
		info, err := os.Stat(path)
		if err != nil {
			return ""
		}
		if !who.MayAt(path, info, bits) {
			return fmt.Sprintf("the pool's user %s may not %s %s (mode %04o)", cmp.Or(p.identity.User, strconv.Itoa(who.UID)), do, path, info.Mode().Perm())
		}
		if path == "/" {
			return ""
		}
		path, bits, do = filepath.Dir(path), permission.Search, "enter"
	}
}
