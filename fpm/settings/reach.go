package settings

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
)

// defaultController returns the script that answers for the paths of a site that are not files, if none is set: the first script of
// its index, or if that is not there, and its pool has a worker script, the first script below the root that this answers.
func defaultController(site contract.Site, w *Worker) string {
	usual := firstScript(site)
	if w == nil || usual != "" && isFile(filepath.Join(site.Root, usual)) {
		return usual
	}
	for _, script := range w.For {
		if name, is := below(site.Root, script); is && isFile(script) && isScriptOf(site, name) {
			return name
		}
	}
	return usual
}

// CheckReach returns an error if a worker script is to answer requests that nobody can send: those for scripts below no root, in a
// pool that only the front can reach.
func CheckReach(pools []*conf.Pool, workers map[string]*Worker, sites []contract.Site) error {
	for _, p := range pools {
		w := workers[p.Name]
		if w == nil || p.Listen.Value != Nameless || !w.ForIsSet {
			continue
		}
		roots := rootsOf(p.Name, sites)
		for _, script := range w.For {
			if !belowAny(roots, script) {
				return fmt.Errorf("%s: worker: for: %s is not below %s: no request is for it; name a script there", w.Place, script, strings.Join(roots, " or "))
			}
		}
	}
	return nil
}

// Unreached returns a sentence for each worker script that no request by HTTP reaches.
func Unreached(workers map[string]*Worker, sites []contract.Site) (all []string) {
	var told []string
	for _, site := range sites {
		w, roots := workers[site.Pool], rootsOf(site.Pool, sites)
		if w == nil || slices.Contains(told, site.Pool) || slices.ContainsFunc(w.For, func(script string) bool { return belowAny(roots, script) }) {
			continue
		}
		told = append(told, site.Pool)
		all = append(all, fmt.Sprintf("no request reaches the worker script %s: it answers those for %s, and %s is served; "+
			"set http.root, or for of the worker (see WORKER.md)", w.Script, strings.Join(w.For, " and "), strings.Join(roots, " and ")))
	}
	return all
}

// rootsOf returns the roots of a pool's sites.
func rootsOf(pool string, sites []contract.Site) (roots []string) {
	for _, site := range sites {
		if site.Pool == pool && !slices.Contains(roots, site.Root) {
			roots = append(roots, site.Root)
		}
	}
	return roots
}

func belowAny(roots []string, file string) bool {
	return slices.ContainsFunc(roots, func(root string) bool { _, is := below(root, file); return is })
}

// below reports whether a file is below a directory, by the names of both or by those that links lead to, and returns its path from
// there.
func below(dir, file string) (name string, is bool) {
	if name, is = local(dir, file); is {
		return name, true
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	if real, err := filepath.EvalSymlinks(file); err == nil {
		file = real
	}
	return local(dir, file)
}

func local(dir, file string) (name string, is bool) {
	name, err := filepath.Rel(dir, file)
	return name, err == nil && filepath.IsLocal(name)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
