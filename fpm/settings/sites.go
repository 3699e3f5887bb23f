package settings

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/phpsapi/phpsapi/fpm/contract"
)

// site is an entry of sites: what it says, and where.
type site struct {
	line     int
	values   map[string][]string
	internal []contract.InternalPath
}

// readSites takes the list of sites.
func (f *file) readSites(node *yaml.Node) error {
	if node.Kind != yaml.SequenceNode {
		return fmt.Errorf("%s: sites: write a list of sites, each with a root", f.at(node.Line))
	}
	for _, entry := range node.Content {
		s, err := f.readSite(target(entry))
		if err != nil {
			return err
		}
		f.sites = append(f.sites, s)
	}
	return nil
}

func (f *file) readSite(node *yaml.Node) (site, error) {
	s := site{line: node.Line, values: map[string][]string{}}
	if node.Kind != yaml.MappingNode {
		return s, fmt.Errorf("%s: sites: write keys and values", f.at(node.Line))
	}
	table := siteKeys()
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i], target(node.Content[i+1])
		where := f.at(name.Line) + ": sites: "
		r := find(table, name.Value)
		if r == nil {
			return s, fmt.Errorf("%sunknown key %s%s", where, name.Value, nearest(name.Value, keys(table)))
		}
		if _, twice := s.values[r.Key]; twice {
			return s, fmt.Errorf("%s%s is there twice; remove one", where, r.Key)
		}
		var err error
		if r.Key == "internal" {
			s.internal, err = f.readInternal(value)
			s.values[r.Key] = nil
		} else {
			var decoded any
			if err = value.Decode(&decoded); err == nil {
				s.values[r.Key], err = items(r, decoded, f.dir())
			}
		}
		if err == nil && r.Key == "path" {
			s.values[r.Key], err = prefix(s.values[r.Key])
		}
		if err != nil {
			return s, fmt.Errorf("%s%s: %w", where, r.Key, err)
		}
	}
	if len(s.values["root"]) == 0 {
		return s, fmt.Errorf("%s: sites: this site has no root: add root: DIRECTORY", f.at(node.Line))
	}
	return s, nil
}

func (f *file) readInternal(node *yaml.Node) (all []contract.InternalPath, err error) {
	if node.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("write paths and their directories, such as /private: /srv/private")
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		at, err := prefix([]string{node.Content[i].Value})
		if err != nil {
			return nil, err
		}
		if len(at) == 0 {
			return nil, fmt.Errorf("%q is every path: write one such as /private", node.Content[i].Value)
		}
		dir := node.Content[i+1].Value
		if dir == "" {
			return nil, fmt.Errorf("%s has no directory: write one after the colon", at[0])
		}
		all = append(all, contract.InternalPath{Path: at[0], Directory: absolute(dir, f.dir())})
	}
	return all, nil
}

// prefix checks the prefix of a path, and takes the slash at its end away: / is none.
func prefix(value []string) ([]string, error) {
	if len(value) == 0 {
		return nil, nil
	}
	p := value[0]
	if !strings.HasPrefix(p, "/") || path.Clean(p) != strings.TrimSuffix(p, "/") && p != "/" {
		return nil, fmt.Errorf("%q is not a path such as /blog", p)
	}
	if p == "/" {
		return nil, nil
	}
	return []string{strings.TrimSuffix(p, "/")}, nil
}

// contractSite is a site with what it leaves to the http settings.
func (s site) contractSite(http map[string][]string) contract.Site {
	get := func(key string) []string {
		if v, ok := s.values[key]; ok {
			return v
		}
		return http["http."+key]
	}
	one := func(key string) string { return first(get(key)) }
	made := contract.Site{
		Path: first(s.values["path"]), Root: first(s.values["root"]), Index: get("index"), Controller: one("controller"),
		Extensions: get("extensions"), Pool: one("pool"), Sendfile: get("sendfile"), Internal: s.internal,
		Deny: denials(get("deny")), Htaccess: one("htaccess") == "deny",
		Precompressed: get("precompressed"),
	}
	if one("compress") == "gzip" {
		least, _ := size(one("compress_min"), "")
		made.Compress = &contract.Compression{Types: compressedTypes(get("compress_types")), Least: least}
	}
	for _, host := range s.values["hosts"] {
		made.Hosts = append(made.Hosts, strings.ToLower(host))
	}
	return made
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// hides reports whether a site takes all requests of one that comes after it.
func hides(first, then contract.Site) bool {
	if rest, below := strings.CutPrefix(then.Path, first.Path); !below || rest != "" && rest[0] != '/' {
		return false
	}
	if len(first.Hosts) == 0 {
		return true
	}
	if len(then.Hosts) == 0 {
		return false
	}
	for _, h := range then.Hosts {
		if !slices.ContainsFunc(first.Hosts, func(f string) bool {
			return f == h || strings.HasPrefix(f, "*.") && strings.HasSuffix(strings.TrimPrefix(h, "*"), f[1:])
		}) {
			return false
		}
	}
	return true
}
