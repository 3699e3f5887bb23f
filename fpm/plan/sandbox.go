package plan

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/sandbox"
	"github.com/phpsapi/phpsapi/fpm/settings"
)

// protect finds out what protects the pools, and whether the kernel can.
func (p *Plan) protect(cfg *conf.Config) (err error) {
	if p.Own == nil {
		return nil
	}
	var names []string
	for _, pool := range cfg.Pools {
		if pool.Shared == nil {
			names = append(names, pool.Name)
		}
	}
	if p.protections, err = p.Own.Protections(names, p.source.Overrides); err != nil {
		return err
	}
	p.Sandboxes = p.source.Kernel()
	for _, pool := range cfg.Pools {
		if pool.Shared != nil && p.protections[pool.Shared.Name] != nil {
			p.protections[pool.Name] = p.protections[pool.Shared.Name]
		}
		if err := p.checkSandbox(pool); err != nil {
			return err
		}
		if err := p.admit(pool); err != nil {
			return err
		}
	}
	return nil
}

// checkSandbox returns an error if a pool cannot have the sandbox that it is to have.
func (p *Plan) checkSandbox(pool *conf.Pool) error {
	w := p.protections[pool.Name]
	if w == nil || w.Sandbox == sandbox.Off {
		return nil
	}
	if why := p.Sandboxes.Lacks(w.Sandbox); why != "" {
		if w.Lacking == settings.Warn {
			return nil // the generation says so
		}
		return fmt.Errorf("%s: pool %s cannot have the sandbox %s: %s; use another kernel, or set sandbox.lacking: warn to continue without what it lacks",
			w.PlaceOf("sandbox.mode"), pool.Name, w.Sandbox, why)
	}
	if w.Sandbox != sandbox.Strict {
		return nil
	}
	if pool.Shared == nil && len(w.Read)+len(w.Write)+len(p.rootsOf(pool)) == 0 {
		return fmt.Errorf("%s: pool %s would read no application: no site names its root; set sandbox.read", w.PlaceOf("sandbox.mode"), pool.Name)
	}
	for _, list := range []struct {
		key   string
		paths []string
	}{{"sandbox.read", w.Read}, {"sandbox.write", w.Write}} {
		for _, path := range list.paths {
			info, err := os.Stat(Chroot(pool) + path)
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

// Chroot returns the directory that is the root of a pool's workers; empty: the machine's.
func Chroot(p *conf.Pool) string {
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
func (p *Plan) rootsOf(pool *conf.Pool) (roots []string) {
	home := pool.Name
	if pool.Handed {
		home = pool.Shared.Name
	}
	for _, s := range p.Sites {
		if s.Pool != home {
			continue
		}
		roots = append(append(roots, s.Root), s.Sendfile...)
		for _, internal := range s.Internal {
			roots = append(roots, internal.Directory)
		}
	}
	if w := p.Workers[home]; w != nil {
		roots = append(roots, filepath.Dir(w.Script))
	}
	return roots
}

// setting returns a setting of php.ini as the workers of a pool have it, if a file or the pool says something of it.
func (p *Plan) setting(pool *conf.Pool, name string) string {
	directive := p.INI
	if own, has := p.directives[pool.Name]; has {
		directive = own
	}
	text, _ := directive(name)
	for _, list := range [][]conf.KeyValue{pool.PHPValues, pool.PHPAdminValues} {
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

// FilesOf returns what a strict sandbox lets the workers of a pool reach. All but what the settings name need not be there.
func (p *Plan) FilesOf(pool *conf.Pool) (files sandbox.Files, write []string) {
	w := p.protections[pool.Name]
	files = sandbox.Files{Read: w.Read, Write: w.Write, Perhaps: append(slices.Clone(systemFiles), p.rootsOf(pool)...)}
	for _, name := range []string{"extension_dir", "include_path"} {
		for _, dir := range strings.Split(p.setting(pool, name), ":") {
			if filepath.IsAbs(dir) {
				files.Perhaps = append(files.Perhaps, dir)
			}
		}
	}
	ini := p.source.Module(p.EngineOf(pool.Name)).INI
	for _, dir := range strings.Split(ini.Path+":"+ini.ScanDir, ":") {
		if filepath.IsAbs(dir) {
			files.Perhaps = append(files.Perhaps, dir)
		}
	}
	temporary := p.setting(pool, "sys_temp_dir")
	if temporary == "" {
		temporary = defaultTemporary
		for _, v := range pool.Env {
			if v.Key == "TMPDIR" && v.Value != "" && v.Value[0] != '$' {
				temporary = v.Value
			}
		}
	}
	sessions := p.setting(pool, "session.save_path")
	sessions = sessions[strings.LastIndexByte(sessions, ';')+1:] // N;MODE;/path
	if sessions == "" {
		sessions = defaultSessions
	}
	for _, dir := range []string{temporary, p.setting(pool, "upload_tmp_dir"), sessions, p.setting(pool, "opcache.file_cache")} {
		if filepath.IsAbs(dir) {
			write = append(write, dir)
		}
	}
	return files, write
}

// ProtectionOf returns what protects a pool; nil: nothing does.
func (p *Plan) ProtectionOf(pool string) *settings.Protection {
	if p == nil {
		return nil
	}
	return p.protections[pool]
}
