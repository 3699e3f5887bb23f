package master

import (
	"fmt"
	"os"
	"slices"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/plan"
	"github.com/phpsapi/phpsapi/fpm/sandbox"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// makeRulesets makes the Landlock rulesets of a generation's pools, and tells of what is not there. The error has been logged.
func (g *generation) makeRulesets(log lines) error {
	for _, p := range g.pools {
		w := g.plan.ProtectionOf(p.conf.Name)
		if w == nil || w.Sandbox == sandbox.Off {
			continue
		}
		if why := g.plan.Sandboxes.Lacks(w.Sandbox); why != "" {
			log.sandboxLacks(p.conf.Name, w.Sandbox, why)
		} else if w.Sandbox == sandbox.Strict && g.plan.Sandboxes.LacksScopes() {
			log.sandboxLacks(p.conf.Name, w.Sandbox, "the kernel's Landlock does not keep workers from signalling other processes of their user: Linux 6.12 does")
		}
		kind := g.plan.Sandboxes.Domain(w.Sandbox)
		if kind == sandbox.Off {
			continue
		}
		var files sandbox.Files
		if kind == sandbox.Strict {
			var write []string
			files, write = g.plan.FilesOf(p.conf)
			for _, dir := range write {
				if info, err := os.Stat(plan.Chroot(p.conf) + dir); err == nil && info.IsDir() {
					files.Write = append(slices.Clone(files.Write), dir)
				} else {
					log.sandboxWithout(p.conf.Name, dir)
				}
			}
		}
		ruleset, err := sandbox.Ruleset(kind, g.plan.Sandboxes, plan.Chroot(p.conf), files)
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
	w := p.gen.plan.ProtectionOf(p.conf.Name)
	if w == nil || !w.NoNewPrivs {
		return nil
	}
	r := &contract.Restrictions{}
	if p.gen.plan.Sandboxes.Seccomp {
		r.Filter = sandbox.Filter(w.Sandbox)
	}
	return r
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

// perRequest reports whether each process of the pool answers one request.
func (p *pool) perRequest() bool {
	w := p.gen.plan.ProtectionOf(p.conf.Name)
	return w != nil && w.PerRequest
}
