package plan

import (
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/settings"
)

// Which process accepts, and why not the workers: one sentence for each reason.
func TestWhoSpeaksHTTP(t *testing.T) {
	www, shop := &conf.Pool{Name: "www"}, &conf.Pool{Name: "shop"}
	ondemand := &conf.Pool{Name: "www", PM: conf.Ondemand}
	jailed := &conf.Pool{Name: "www", Chroot: conf.Text{Value: "/jail", Set: true}}
	sites := func(pools ...string) (all []contract.Site) {
		for _, name := range pools {
			all = append(all, contract.Site{Pool: name})
		}
		return all
	}
	for name, c := range map[string]struct {
		off   bool
		pools []*conf.Pool
		sites []contract.Site
		want  string // the pool
		why   string
	}{
		"one pool":              {pools: []*conf.Pool{www}, sites: sites("www", "www"), want: "www"},
		"another without sites": {pools: []*conf.Pool{shop, www}, sites: sites("www"), want: "www"},
		"off":                   {off: true, pools: []*conf.Pool{www}, sites: sites("www"), why: "http.direct is off"},
		"two pools":             {pools: []*conf.Pool{www, shop}, sites: sites("www", "shop"), why: "the sites are of 2 pools"},
		"ondemand":              {pools: []*conf.Pool{ondemand}, sites: sites("www"), why: "pool www has pm = ondemand"},
		"chroot":                {pools: []*conf.Pool{jailed}, sites: sites("www"), why: "pool www has a chroot"},
		"compress":              {pools: []*conf.Pool{www}, sites: []contract.Site{{Pool: "www"}, {Pool: "www", Root: "/srv", Compress: &contract.Compression{}}}, why: "the site in /srv has compress"},
	} {
		f := &Plan{Own: &settings.Settings{Direct: !c.off, Listen: []string{":80"}, TLSListen: []string{":443"}}, Sites: c.sites}
		f.Direct, f.notDirect = f.chooseDirect(c.pools)
		if f.Direct != c.want || f.notDirect != c.why {
			t.Errorf("%s: got %q, %q", name, f.Direct, f.notDirect)
		}
		shown := "\tlisten = :80 -> the front, because " + c.why + "\n"
		if c.want != "" {
			shown = "\tlisten = :80 -> the workers of pool www\n"
		}
		if text := strings.Join(f.Lines(), "\n"); !strings.Contains(text, shown) || !strings.Contains(text, "\tlisten = :443 -> the front, because of TLS\n") {
			t.Errorf("%s: -tt shows\n%s", name, text)
		}
	}
}
