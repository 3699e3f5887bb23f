package settings

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
)

// Route returns the sites with what they left to php-fpm.conf: pools, the extensions of scripts, and from these and the worker modes
// of the pools the controller.
func (s *Settings) Route(pools []*conf.Pool, workers map[string]*Worker) ([]contract.Site, error) {
	pools = slices.DeleteFunc(slices.Clone(pools), func(p *conf.Pool) bool { return p.Shared != nil })
	var names []string
	for _, p := range pools {
		names = append(names, p.Name)
	}
	var all []contract.Site
	for _, site := range s.Sites {
		pool, err := poolNamed(cmp.Or(site.Pool, names[0]), names)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.originOfPool(site), err)
		}
		site.Pool = pool
		i := slices.Index(names, pool)
		if len(site.Extensions) == 0 {
			site.Extensions = pools[i].LimitExtensions
		}
		if len(site.Extensions) == 0 { // the pool runs anything
			site.Extensions = []string{".php"}
		}
		switch site.Controller {
		case "":
			site.Controller = defaultController(site, workers[site.Pool])
		case NoController:
			site.Controller = ""
		}
		all = append(all, site)
	}
	return all, nil
}

// originOfPool says where a site's pool was named.
func (s *Settings) originOfPool(site contract.Site) string {
	for _, v := range s.Values {
		if v.Row.Key == "http.pool" && v.Text == site.Pool {
			return v.Origin + ": http.pool"
		}
	}
	return s.File + ": sites: pool"
}

func firstScript(site contract.Site) string {
	for _, name := range site.Index {
		if isScriptOf(site, name) {
			return path.Clean(name)
		}
	}
	return ""
}

// isScriptOf reports whether a file of this name is one of a site's scripts.
func isScriptOf(site contract.Site, name string) bool {
	return slices.ContainsFunc(site.Extensions, func(end string) bool { return strings.HasSuffix(name, end) })
}
