package settings

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/phpsapi/phpsapi/fpm/sandbox"
)

// Protection is what a pool has against hostile clients and scripts besides what php-fpm.conf has.
type Protection struct {
	NoNewPrivs  bool
	Sandbox     sandbox.Kind
	Read, Write []string // paths of a strict sandbox
	// Lacking says what to do if the kernel has no sandbox: Refuse or Warn.
	Lacking string

	AllowedUsers, AllowedGroups []string // by name or number; who may connect to the unix socket: with both empty, whom its mode lets
	IgnoreClientValues          bool     // PHP_VALUE and PHP_ADMIN_VALUE of requests
	CheckOwners                 bool     // of scripts: the pool's user, root, or one of Owners
	Owners                      []string // by name or number
	PerRequest                  bool     // each process answers one request
	OwnMemory                   bool     // the workers share opcache's memory with no other pool

	place  string            // where something was set last
	places map[string]string // where single keys are set
}

// What to do if the kernel lacks something for a sandbox.
const (
	Refuse = "refuse"
	Warn   = "warn"
)

// Keys that are named elsewhere, too.
const (
	allowedUsersKey  = "listen.allowed_users"
	allowedGroupsKey = "listen.allowed_groups"
	perRequestKey    = "process_per_request"
)

// self stands for the pool's user among script_owners.
const self = "self"

// The key of a kind of sandbox; with more below it, it is sandbox.mode.
const (
	sandboxKey     = "sandbox"
	sandboxModeKey = "sandbox.mode"
)

// PlaceOf returns where a key is set, or if it is a default where something of the pool is.
func (p *Protection) PlaceOf(key string) string {
	if at, set := p.places[key]; set {
		return at
	}
	return p.place
}

// protectionKeys are the keys of a pool's protection, with what they mean.
func protectionKeys() []Row {
	return []Row{
		{Key: allowedUsersKey, Kind: List, Show: "none: whom the socket's mode lets",
			Doc: "Users, by name or number, whose processes may connect to the pool's unix socket, besides those of allowed_groups and phpsapi's own front. The kernel says whose a connection is."},
		{Key: allowedGroupsKey, Kind: List, Doc: "Groups, by name or number, whose processes may connect; supplementary groups count."},
		{Key: "client_values", Kind: Choice, Allowed: []string{on, "off"}, Default: on,
			Doc: "Whether PHP_VALUE and PHP_ADMIN_VALUE of a request change PHP's settings. off: they are ignored, and the first is logged."},
		{Key: "script_owners", Kind: List, Show: "none: any owner",
			Doc: "Users, by name or number, whose scripts may be run, besides those of the pool's user and of root; `self` adds nobody. Other scripts get 403. What a script includes is not checked."},
		{Key: perRequestKey, Kind: Choice, Allowed: []string{on, "off"}, Default: "off",
			Doc: "Whether a process answers one request and ends, so that a request sees nothing that another has left. It costs some milliseconds of processor time for each; in worker mode snapshot: 1 is the same for less."},
		{Key: "own_opcache", Kind: Choice, Allowed: []string{Auto, on, "off"}, Default: Auto,
			Doc: "Whether the pool's workers are forked by a process of their own, and share opcache's memory with no other pool: it can be written by every worker that has it, and what stands there is run. It costs that memory, and a start of PHP. auto: on in a sandbox."},
		{Key: "no_new_privs", Kind: Choice, Allowed: []string{on, "off"}, Default: "off",
			Doc: "Whether workers and what they start never get rights by executing a program: sudo and other programs with the set-user-ID bit run as the pool's user. On in a sandbox."},
		{Key: sandboxModeKey, Kind: Choice, Allowed: []string{string(sandbox.Off), string(sandbox.Web), string(sandbox.Strict)}, Default: string(sandbox.Off),
			Doc: "What workers may ask the kernel for. web: what web applications do, programs included. strict: also no programs, no servers, and only the directories named here. `sandbox: web` sets it, too."},
		{Key: "sandbox.read", Kind: Paths, Doc: "With strict: files and directories that workers read besides the roots of the pool's sites and PHP's own."},
		{Key: "sandbox.write", Kind: Paths, Doc: "With strict: directories in which workers read and write besides upload_tmp_dir, session.save_path and sys_temp_dir."},
		{Key: "sandbox.lacking", Kind: Choice, Allowed: []string{Auto, Refuse, Warn}, Default: Auto,
			Doc: "What happens if the kernel has no Landlock or seccomp. refuse: the service does not start. warn: it starts, and the pool has what the kernel has. auto: refuse for strict, warn for web."},
	}
}

// protectionKey returns the key that a name means; false: it is none of a protection.
func protectionKey(name string) (key string, is bool) {
	if name == sandboxKey {
		return sandboxModeKey, true
	}
	return name, find(protectionKeys(), name) != nil
}

// protectionNames are the names of what may be set: the keys, and what stands for one.
func protectionNames() []string { return append(keys(protectionKeys()), sandboxKey) }

// poolProtection is what phpsapi.yaml and the overrides say of a pool's protection, by keys.
type poolProtection struct {
	values map[string][]string
	places map[string]string
	place  string
}

func newProtection() *poolProtection {
	return &poolProtection{values: map[string][]string{}, places: map[string]string{}}
}

// set sets a key's value.
func (p *poolProtection) set(key string, value any, base, place string) error {
	list, err := items(find(protectionKeys(), key), value, base)
	if err != nil {
		return err
	}
	p.values[key], p.places[key], p.place = list, place, place
	return nil
}

// readProtection takes an entry of a pool. It returns false if the entry is none of a protection.
func (f *file) readProtection(pool string, name, value *yaml.Node) (is bool, err error) {
	p := f.protections[pool]
	if p == nil {
		p = newProtection()
		p.place = fmt.Sprintf("%s: pools: %s", f.at(name.Line), pool)
	}
	if is, err = f.readProtectionKey(p, "pools: "+pool, "", name, value); is {
		f.protections[pool] = p
	}
	return is, err
}

// readProtectionKey takes an entry below a key; empty: of the pool.
func (f *file) readProtectionKey(p *poolProtection, pool, below string, name, value *yaml.Node) (is bool, err error) {
	written := strings.TrimPrefix(below+"."+name.Value, ".")
	key, is := protectionKey(written)
	parent := slices.ContainsFunc(protectionKeys(), func(r Row) bool { return strings.HasPrefix(r.Key, written+".") })
	where := fmt.Sprintf("%s: %s: %s", f.at(name.Line), pool, written)
	switch {
	case value.Kind == yaml.MappingNode && parent:
		for i := 0; i+1 < len(value.Content); i += 2 {
			is, err := f.readProtectionKey(p, pool, written, value.Content[i], target(value.Content[i+1]))
			if err != nil {
				return true, err
			}
			if !is {
				unknown := written + "." + value.Content[i].Value
				return true, fmt.Errorf("%s: %s: unknown key %s%s", f.at(value.Content[i].Line), pool, unknown, nearest(unknown, protectionNames()))
			}
		}
		return true, nil
	case !is && parent:
		return true, fmt.Errorf("%s: write keys and values below it", where)
	case !is:
		return false, nil
	case p.values[key] != nil:
		return true, fmt.Errorf("%s is there twice; remove one", where)
	}
	var decoded any
	if err := value.Decode(&decoded); err != nil {
		return true, fmt.Errorf("%s: %w", where, err)
	}
	if value.Kind == yaml.ScalarNode { // as it is written: YAML has its own idea of on and off
		decoded = value.Value
	}
	place := p.place
	if err := p.set(key, decoded, f.dir(), where); err != nil {
		return true, fmt.Errorf("%s: %w", where, err)
	}
	p.place = place
	return true, nil
}

// Protections returns the protections of these pools, by their names: from phpsapi.yaml, and over that from the overrides. A pool of
// which nothing is set has none. It is an error if phpsapi.yaml names another pool.
func (s *Settings) Protections(pools []string, overrides Overrides) (map[string]*Protection, error) {
	all := map[string]*poolProtection{}
	for name, p := range s.protections {
		pool, err := poolNamed(name, pools)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.place, err)
		}
		all[pool] = &poolProtection{values: maps.Clone(p.values), places: maps.Clone(p.places), place: p.place}
	}
	given, err := overrides.resolve(pools)
	if err != nil {
		return nil, err
	}
	for _, o := range given {
		key, is := protectionKey(o.Name)
		if !is || o.Pool == "" {
			continue
		}
		if all[o.Pool] == nil {
			all[o.Pool] = newProtection()
		}
		if err := all[o.Pool].set(key, o.Value, here(), o.From); err != nil {
			return nil, fmt.Errorf("%s: %w", o.From, err)
		}
	}
	made := map[string]*Protection{}
	for name, p := range all {
		if made[name], err = p.protection(); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// protection checks what is set and returns what it means.
func (p *poolProtection) protection() (*Protection, error) {
	one := func(key string) string {
		if text := first(p.values[key]); text != "" {
			return text
		}
		return find(protectionKeys(), key).Default
	}
	made := &Protection{Sandbox: sandbox.Kind(one(sandboxModeKey)), Read: p.values["sandbox.read"], Write: p.values["sandbox.write"],
		Lacking: one("sandbox.lacking"), place: p.place, places: p.places}
	made.NoNewPrivs = one("no_new_privs") == on || made.Sandbox != sandbox.Off
	if made.Sandbox != sandbox.Off && p.values["no_new_privs"] != nil && one("no_new_privs") != on {
		return nil, fmt.Errorf("%s: off is not possible in a sandbox, which must not be left by a program with more rights: remove it, or the sandbox", p.places["no_new_privs"])
	}
	made.AllowedUsers, made.AllowedGroups = p.values[allowedUsersKey], p.values[allowedGroupsKey]
	made.IgnoreClientValues = one("client_values") != on
	owners := p.values["script_owners"]
	made.CheckOwners = len(owners) > 0
	made.Owners = slices.DeleteFunc(slices.Clone(owners), func(name string) bool { return name == self })
	made.PerRequest = one(perRequestKey) == on
	made.OwnMemory = one("own_opcache") == on || one("own_opcache") == Auto && made.Sandbox != sandbox.Off
	if made.Lacking == Auto {
		made.Lacking = Refuse
		if made.Sandbox == sandbox.Web {
			made.Lacking = Warn
		}
	}
	for _, key := range []string{"sandbox.read", "sandbox.write"} {
		if made.Sandbox != sandbox.Strict && len(p.values[key]) > 0 {
			return nil, fmt.Errorf("%s: has an effect in a strict sandbox only: write sandbox: strict, or remove it", p.places[key])
		}
	}
	return made, nil
}
