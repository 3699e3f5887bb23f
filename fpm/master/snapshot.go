package master

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/startup"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/lifecycle/zygote"
	"github.com/phpsapi/phpsapi/sapi"
)

// With a snapshot the zygote of a pool in worker mode boots the application, and the workers are forked within it. If the
// application has what must not be shared, or cannot be booted at the start of the service, each worker boots it instead.

// template returns the application that the pool's zygote is to boot; nil: none.
func (p *pool) template() *zygote.Template {
	w := p.worker
	if w.Snapshot == 0 {
		return nil
	}
	c, who := p.orders, p.identity
	t := &zygote.Template{Script: w.Script, Strict: w.Strict, Timeout: w.BootTimeout, Files: c.RlimitFiles, Core: c.RlimitCore, Directory: c.Chdir.Value,
		Priority: conf.PriorityUnset, Dumpable: c.ProcessDumpable, ClearEnv: c.ClearEnv,
		Values: settingsOf(c.PHPValues), AdminValues: settingsOf(c.PHPAdminValues)}
	if os.Geteuid() == 0 {
		t.Priority, t.UID, t.GID, t.Groups = c.ProcessPriority, who.UID, who.GID, who.Groups
	}
	t.Env = append(settingsOf(c.Env), sapi.Setting{Name: "FRANKENPHP_WORKER", Value: "1"})
	for name, value := range map[string]string{"USER": who.User, "HOME": who.Home} {
		if value != "" {
			t.Env = append(t.Env, sapi.Setting{Name: name, Value: value})
		}
	}
	for _, path := range w.Warmup {
		t.Warmup = append(t.Warmup, warmup(w.For[len(w.For)-1], path))
	}
	return t
}

func settingsOf(list []conf.KeyValue) (all []sapi.Setting) {
	for _, kv := range list {
		all = append(all, sapi.Setting{Name: kv.Key, Value: kv.Value})
	}
	return all
}

// warmup returns a request for a path, as the web server of the script's directory would send it.
func warmup(script, path string) zygote.Warmup {
	_, query, _ := strings.Cut(path, "?")
	name := "/" + filepath.Base(script)
	set := func(name, value string) sapi.Variable { return sapi.Variable{Name: name, Value: value} }
	return zygote.Warmup{URI: name, Variables: []sapi.Variable{set("REQUEST_METHOD", "GET"), set("REQUEST_URI", path), set("DOCUMENT_URI", name),
		set("SCRIPT_NAME", name), set("SCRIPT_FILENAME", script), set("DOCUMENT_ROOT", filepath.Dir(script)), set("QUERY_STRING", query),
		set("SERVER_PROTOCOL", "HTTP/1.1"), set("GATEWAY_INTERFACE", "CGI/1.1"), set("SERVER_SOFTWARE", "phpsapi"), set("SERVER_NAME", "localhost"), set("SERVER_PORT", "80"), set("REQUEST_SCHEME", "http"),
		set("HTTP_HOST", "localhost"), set("REMOTE_ADDR", "127.0.0.1"), set("REDIRECT_STATUS", "200")}}
}

// bootsEach reports whether a start has failed because of the snapshot, so that it is to be tried without: the application
// cannot be forked, or it cannot be booted and no other generation serves.
func (m *Master) bootsEach(e *engine, err error) bool {
	var refused *zygote.SnapshotError
	if e.launch.Template == nil || !errors.As(err, &refused) && (!errors.As(err, new(*zygote.BootError)) || m.gen != e.gen) {
		return false
	}
	e.show(m)
	e.launch.Template = nil
	e.pools[0].show(scoreboard.WorkerScript)
	m.log.noSnapshot(e.pools[0].conf.Name, err)
	return true
}

// show shows what was said while the engine was started.
func (e *engine) show(m *Master) {
	if e.launch.Template == nil {
		e.said.Show(m.log.Log, m.errorLog.Console)
		return
	}
	for _, message := range e.said {
		if startup.IsLogged(message) { // one line, with the trace of an exception
			m.log.Msg(zlog.Notice, "PHP message: ", zlog.Harmless(strings.ReplaceAll(message, "\n", " ")))
		} else {
			m.log.scriptPrinted(e.pools[0].conf.Name, message)
		}
	}
}

func (l lines) noSnapshot(pool string, err error) {
	l.Logf(zlog.Warning, "[pool %s] no snapshot, each worker boots the application: %s", pool, zlog.Harmless(err.Error()))
}

func (l lines) scriptPrinted(pool, line string) {
	l.Logf(zlog.Notice, "[pool %s] the worker script printed: %s", pool, zlog.Harmless(line))
}
