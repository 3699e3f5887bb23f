package master

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/sandbox"
	"github.com/phpsapi/phpsapi/fpm/settings"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// protect finds out what protects the pools, and whether the kernel can.
func (f *frontPlan) protect(cfg *conf.Config) (err error) {
	if f.own == nil {
		return nil
	}
	var names []string
	for _, p := range cfg.Pools {
		if p.Shared == nil {
			names = append(names, p.Name)
		}
	}
	if f.protections, err = f.own.Protections(names, f.options.Overrides); err != nil {
		return err
	}
	f.kernel = f.options.kernel()
	for _, p := range cfg.Pools {
		if p.Shared != nil && f.protections[p.Shared.Name] != nil {
			f.protections[p.Name] = f.protections[p.Shared.Name]
		}
		if err := f.checkSandbox(p); err != nil {
			return err
		}
		if err := f.admit(p); err != nil {
			return err
		}
	}
	return nil
}

// kernel returns what the kernel has for sandboxes.
func (o *Options) kernel() sandbox.Kernel {
	if o.Kernel == nil {
		return sandbox.ThisKernel()
	}
	return o.Kernel()
}

// checkSandbox returns an error if a pool cannot have the sandbox that it is to have.
func (f *frontPlan) checkSandbox(p *conf.Pool) error {
	w := f.protections[p.Name]
	if w == nil || w.Sandbox == sandbox.Off {
		return nil
	}
	if why := f.kernel.Lacks(w.Sandbox); why != "" {
		if w.Lacking == settings.Warn {
			return nil // the generation says so
		}
		return fmt.Errorf("%s: pool %s cannot have the sandbox %s: %s; use another kernel, or set sandbox.lacking: warn to continue without what it lacks",
			w.PlaceOf("sandbox.mode"), p.Name, w.Sandbox, why)
	}
	if w.Sandbox != sandbox.Strict {
		return nil
	}
	if p.Shared == nil && len(w.Read)+len(w.Write)+len(f.rootsOf(p)) == 0 {
		return fmt.Errorf("%s: pool %s would read no application: no site names its root; set sandbox.read", w.PlaceOf("sandbox.mode"), p.Name)
	}
	for _, list := range []struct {
		key   string
		paths []string
	}{{"sandbox.read", w.Read}, {"sandbox.write", w.Write}} {
		for _, path := range list.paths {
			info, err := os.Stat(chrootOf(p) + path)
			if err == nil && list.key == "sandbox.write" && !info.IsDir() {
				err = fmt.Errorf("%s is not a directory", path)
			}
			if err != nil {
				return fmt.Errorf("%s: %w: make it, or name another", w.PlaceOf(list.key), err)
			}
		}
	}
	return nil
}

// chrootOf returns the directory that is the root of a pool's workers; empty: the machine's.
func chrootOf(p *conf.Pool) string {
	if os.Geteuid() != 0 { // no other master's counts
		return ""
	}
	return strings.TrimSuffix(p.Chroot.Value, "/")
}

// What any PHP reads: its libraries and theirs, what the C library looks up names, character sets and time zones in, certificates.
var systemFiles = []string{
	"/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/usr/share", "/usr/local/share",
	"/etc/ld.so.cache", "/etc/localtime", "/etc/timezone", "/etc/resolv.conf", "/run/systemd/resolve", "/etc/hosts", "/etc/host.conf", "/etc/gai.conf",
	"/etc/nsswitch.conf", "/etc/services", "/etc/protocols", "/etc/networks", "/etc/passwd", "/etc/group", "/etc/mime.types",
	"/etc/magic", "/etc/locale.alias", "/etc/fonts", "/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/php",
	"/dev/urandom", "/dev/random",
}

// rootsOf returns the directories of which workers of a pool serve files.
func (f *frontPlan) rootsOf(p *conf.Pool) (roots []string) {
	home := p.Name
	if p.Handed {
		home = p.Shared.Name
	}
	for _, s := range f.sites {
		if s.Pool != home {
			continue
		}
		roots = append(append(roots, s.Root), s.Sendfile...)
		for _, internal := range s.Internal {
			roots = append(roots, internal.Directory)
		}
	}
	if w := f.workers[home]; w != nil {
		roots = append(roots, filepath.Dir(w.Script))
	}
	return roots
}

// setting returns a setting of php.ini as the workers of a pool have it, if a file or the pool says something of it.
func (f *frontPlan) setting(p *conf.Pool, name string) string {
	directive := f.directive
	if own, has := f.directives[p.Name]; has {
		directive = own
	}
	text, _ := directive(name)
	for _, list := range [][]conf.KeyValue{p.PHPValues, p.PHPAdminValues} {
		for _, entry := range list {
			if entry.Key == name {
				text = entry.Value
			}
		}
	}
	return text
}

// Where PHP writes if no setting says it.
const (
	defaultTemporary = "/tmp"
	defaultSessions  = "/var/lib/php/sessions" // Debian's
)

// filesOf returns what a strict sandbox lets the workers of a pool reach. All but what the settings name need not be there.
func (f *frontPlan) filesOf(p *conf.Pool) (files sandbox.Files, write []string) {
	w := f.protections[p.Name]
	files = sandbox.Files{Read: w.Read, Write: w.Write, Perhaps: append(slices.Clone(systemFiles), f.rootsOf(p)...)}
	for _, name := range []string{"extension_dir", "include_path"} {
		for _, dir := range strings.Split(f.setting(p, name), ":") {
			if filepath.IsAbs(dir) {
				files.Perhaps = append(files.Perhaps, dir)
			}
		}
	}
	ini := f.options.Module(f.engineOf(p.Name), f.options.places.of(f.engineOf(p.Name))).INI
	for _, dir := range strings.Split(ini.Path+":"+ini.ScanDir, ":") {
		if filepath.IsAbs(dir) {
			files.Perhaps = append(files.Perhaps, dir)
		}
	}
	temporary := f.setting(p, "sys_temp_dir")
	if temporary == "" {
		temporary = defaultTemporary
		for _, v := range p.Env {
			if v.Key == "TMPDIR" && v.Value != "" && v.Value[0] != '$' {
				temporary = v.Value
			}
		}
	}
	sessions := f.setting(p, "session.save_path")
	sessions = sessions[strings.LastIndexByte(sessions, ';')+1:] // N;MODE;/path
	if sessions == "" {
		sessions = defaultSessions
	}
	for _, dir := range []string{temporary, f.setting(p, "upload_tmp_dir"), sessions, f.setting(p, "opcache.file_cache")} {
		if filepath.IsAbs(dir) {
			write = append(write, dir)
		}
	}
	return files, write
}

// makeRulesets makes the Landlock rulesets of a generation's pools, and tells of what is not there. The error has been logged.
func (g *generation) makeRulesets(log lines) error {
	for _, p := range g.pools {
		w := g.plan.protections[p.conf.Name]
		if w == nil || w.Sandbox == sandbox.Off {
			continue
		}
		if why := g.plan.kernel.Lacks(w.Sandbox); why != "" {
			log.sandboxLacks(p.conf.Name, w.Sandbox, why)
		} else if w.Sandbox == sandbox.Strict && g.plan.kernel.LacksScopes() {
			log.sandboxLacks(p.conf.Name, w.Sandbox, "the kernel's Landlock does not keep workers from signalling other processes of their user: Linux 6.12 does")
		}
		kind := g.plan.kernel.Domain(w.Sandbox)
		if kind == sandbox.Off {
			continue
		}
		var files sandbox.Files
		if kind == sandbox.Strict {
			var write []string
			files, write = g.plan.filesOf(p.conf)
			for _, dir := range write {
				if info, err := os.Stat(chrootOf(p.conf) + dir); err == nil && info.IsDir() {
					files.Write = append(slices.Clone(files.Write), dir)
				} else {
					log.sandboxWithout(p.conf.Name, dir)
				}
			}
		}
		ruleset, err := sandbox.Ruleset(kind, g.plan.kernel, chrootOf(p.conf), files)
		if err != nil {
			err = fmt.Errorf("the sandbox of pool %s: %w", p.conf.Name, err)
			log.notPrepared(err)
			return err
		}
		p.ruleset = ruleset
	}
	g.restrictTemplates()
	return nil
}

// restrictions are what the pool's workers give up; nil: nothing.
func (p *pool) restrictions() *contract.Restrictions {
	w := p.gen.plan.protectionOf(p)
	if w == nil || !w.NoNewPrivs {
		return nil
	}
	r := &contract.Restrictions{}
	if p.gen.plan.kernel.Seccomp {
		r.Filter = sandbox.Filter(w.Sandbox)
	}
	return r
}

// protectionOf returns what protects a pool; nil: nothing does.
func (f *frontPlan) protectionOf(p *pool) *settings.Protection {
	if f == nil {
		return nil
	}
	return f.protections[p.conf.Name]
}

// restrictTemplates has the zygotes that boot applications give up what their workers do.
func (g *generation) restrictTemplates() {
	for _, e := range g.engines {
		r := e.pools[0].restrictions()
		if e.launch.Template == nil || r == nil {
			continue
		}
		restricted := *e.launch.Template // which another generation may have
		restricted.Restricted, restricted.Filter, restricted.Ruleset = true, r.Filter, e.pools[0].ruleset
		e.launch.Template = &restricted
	}
}

func (l lines) sandboxLacks(pool string, kind sandbox.Kind, what string) {
	l.Logf(zlog.Warning, "[pool %s] the sandbox %s is not whole: %s", pool, kind, what)
}

func (l lines) sandboxWithout(pool, dir string) {
	l.Logf(zlog.Warning, "[pool %s] scripts could not write to %s, which PHP's settings name: there is no such directory; make it and reload", pool, dir)
}
