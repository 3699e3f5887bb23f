package settings

import (
	"fmt"
	"slices"
	"strings"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// Overrides are php-fpm's directives from elsewhere than php-fpm.conf.
type Overrides struct {
	Sets    []string // --set: POOL.DIRECTIVE=VALUE, or global.DIRECTIVE=VALUE
	Environ []string // the environment, NAME=VALUE
}

// The beginnings of names in the environment that are directives.
const (
	poolPrefix   = environmentPrefix + "POOL_"
	globalPrefix = environmentPrefix + "GLOBAL_"
)

// Any reports whether there are overrides.
func (o Overrides) Any() bool { return len(o.Sets) > 0 || len(o.variables()) > 0 }

// variables are those of the environment that are directives, in the order of their names.
func (o Overrides) variables() []string {
	var all []string
	for _, v := range o.Environ {
		if isDirective(v) {
			all = append(all, v)
		}
	}
	slices.Sort(all)
	return all
}

// Rest returns the environment without the variables that are directives: a pool's may be its secrets, and every pool's
// workers would have them.
func (o Overrides) Rest() []string {
	rest := make([]string, 0, len(o.Environ))
	for _, v := range o.Environ {
		if !isDirective(v) {
			rest = append(rest, v)
		}
	}
	return rest
}

func isDirective(variable string) bool {
	return strings.HasPrefix(variable, poolPrefix) || strings.HasPrefix(variable, globalPrefix)
}

// Resolve says what the overrides are for a configuration with these pools: first those of the environment, then
// --set. It is conf.Options.Overrides. What is phpsapi's own of a pool is left to Settings.Engines, Settings.Workers,
// Settings.Stages and Settings.Protections.
func (o Overrides) Resolve(pools []string) ([]conf.Setting, error) {
	all, err := o.resolve(pools)
	return slices.DeleteFunc(all, isOwn), err
}

// isOwn reports whether a setting is one of a pool that php-fpm does not know.
func isOwn(s conf.Setting) bool {
	_, worker := isWorkerKey(s.Name)
	_, protection := protectionKey(s.Name)
	return s.Pool != "" && (s.Name == engineKey || worker || protection || isStageKey(s.Name))
}

// workerScript returns the worker script that the overrides set for a pool, and by what; empty: none. What they have of other pools,
// and what is wrong, is for Resolve.
func (o Overrides) workerScript(pool string) (script, from string) {
	for _, v := range o.variables() {
		name, value, _ := strings.Cut(v, "=")
		if s, err := variable(name, []string{pool}); err == nil && isScriptKey(s.Name) {
			script, from = absolute(value, here()), name
		}
	}
	for _, text := range o.Sets {
		if s, err := set(text, []string{pool}); err == nil && s.Pool != "" && isScriptKey(s.Name) {
			script, from = absolute(s.Value, here()), s.From
		}
	}
	return script, from
}

func isScriptKey(name string) bool {
	key, is := isWorkerKey(name)
	return is && key == "script"
}

func (o Overrides) resolve(pools []string) ([]conf.Setting, error) {
	var all []conf.Setting
	for _, v := range o.variables() {
		name, value, _ := strings.Cut(v, "=")
		s, err := variable(name, pools)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		s.Value, s.From = value, name
		all = append(all, s)
	}
	for _, text := range o.Sets {
		s, err := set(text, pools)
		if err != nil {
			return nil, fmt.Errorf("--%s %s: %w", SetFlag, text, err)
		}
		all = append(all, s)
	}
	return all, nil
}

// directives are the names of a section's, arrays with [] behind them, and what phpsapi has for pools.
func directives(section string) []string {
	var names []string
	for _, d := range conf.Directives() {
		if d.Section == section {
			names = append(names, d.Name)
		}
	}
	if section == "pool" {
		names = append(names, engineKey, workerKey)
		for _, r := range workerKeys() {
			names = append(names, workerKey+"."+r.Key)
		}
		names = append(names, protectionNames()...)
		names = append(names, keys(stageKeys())...)
	}
	return names
}

// known reports whether a section has a directive, such as pm.max_children or env[HOME].
func known(section, directive string) bool {
	name, _, array := strings.Cut(directive, "[")
	if array && !strings.HasSuffix(directive, "]") {
		return false
	}
	if array {
		name += "[]"
	}
	return slices.Contains(directives(section), name)
}

// set reads a --set. Where the name of a pool has dots, the first dot behind which a directive's name stands ends it.
func set(text string, pools []string) (conf.Setting, error) {
	left, value, ok := cutValue(text)
	s := conf.Setting{Value: value, From: "--" + SetFlag + " " + left}
	if !ok {
		return s, fmt.Errorf("write POOL.DIRECTIVE=VALUE or global.DIRECTIVE=VALUE")
	}
	if name, global := strings.CutPrefix(left, "global."); global {
		s.Name = name
		if name == engineKey {
			return s, errEngine
		}
		if !known("global", name) {
			return s, unknown("global", name)
		}
		return s, nil
	}
	end := len(left)
	if i := strings.IndexByte(left, '['); i >= 0 {
		end = i
	}
	for i := range end {
		if left[i] == '.' && known("pool", left[i+1:]) {
			var err error
			s.Name = left[i+1:]
			s.Pool, err = poolNamed(left[:i], pools)
			return s, err
		}
	}
	if left == engineKey {
		return s, errEngine
	}
	pool, name, dotted := strings.Cut(left, ".")
	for _, p := range pools {
		if rest, ok := strings.CutPrefix(left, p+"."); ok && len(p) >= len(pool) {
			pool, name = p, rest
		}
	}
	if !dotted {
		return s, fmt.Errorf("write POOL.DIRECTIVE=VALUE or global.DIRECTIVE=VALUE")
	}
	if _, err := poolNamed(pool, pools); err != nil {
		return s, err
	}
	return s, unknown("pool", name)
}

// errEngine refuses the engine of all pools: php-fpm.conf, and what overrules it, has no place for it.
var errEngine = fmt.Errorf("the engine of all pools is %s VERSION, or the setting %s; that of one pool is --%s POOL.%s=VERSION",
	engines.Option, engineKey, SetFlag, engineKey)

// cutValue cuts at the = behind the name; keys in brackets may have one.
func cutValue(text string) (left, value string, ok bool) {
	from := 0
	if open, equals := strings.IndexByte(text, '['), strings.IndexByte(text, '='); open >= 0 && open < equals {
		if shut := strings.Index(text, "]="); shut >= 0 {
			from = shut + 1
		}
	}
	i := strings.IndexByte(text[from:], '=')
	if i < 0 {
		return text, "", false
	}
	return text[:from+i], text[from+i+1:], true
}

// ownNames are the names of the pools that the configuration has: not of those that are made beside them.
func ownNames(pools []*conf.Pool) (names []string) {
	for _, p := range pools {
		if p.Shared == nil {
			names = append(names, p.Name)
		}
	}
	return names
}

// poolNamed returns the pool of a name, in whatever case, as the configuration writes it. It returns an error if there is none.
func poolNamed(name string, pools []string) (string, error) {
	if i := slices.IndexFunc(pools, func(p string) bool { return strings.EqualFold(p, name) }); i >= 0 {
		return pools[i], nil
	}
	hint := nearest(name, pools)
	if hint == "" {
		hint = ", the configuration has " + strings.Join(pools, ", ")
	}
	return "", fmt.Errorf("there is no pool %s%s", name, hint)
}

func unknown(section, name string) error {
	what := "a pool has no directive "
	if section == "global" {
		what = "[global] has no directive "
	}
	if strings.HasPrefix(name, workerKey+".env") {
		return errWorkerEnv
	}
	return fmt.Errorf("%s%s%s", what, name, nearest(name, directives(section)))
}

// spelled is how the environment spells a name: in capitals, with _ for what is neither letter nor digit.
func spelled(name string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z':
			return c - 'a' + 'A'
		case c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
			return c
		}
		return '_'
	}, name)
}

// variable reads the name of a variable that is a directive.
func variable(name string, pools []string) (conf.Setting, error) {
	if rest, ok := strings.CutPrefix(name, globalPrefix); ok {
		directive, ok := directiveOf("global", rest)
		if !ok {
			return conf.Setting{}, unknownVariable("global", rest)
		}
		return conf.Setting{Name: directive}, nil
	}
	rest := strings.TrimPrefix(name, poolPrefix)
	var found []conf.Setting
	var misspelled string
	for _, pool := range pools {
		sub, ok := strings.CutPrefix(rest, spelled(pool)+"_")
		if !ok {
			continue
		}
		if directive, ok := directiveOf("pool", sub); ok {
			found = append(found, conf.Setting{Pool: pool, Name: directive})
		} else {
			misspelled = sub
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return conf.Setting{}, fmt.Errorf("the pools %s and %s have the same spelling in variables: use --%s", found[0].Pool, found[1].Pool, SetFlag)
	case misspelled != "":
		return conf.Setting{}, unknownVariable("pool", misspelled)
	}
	var spellings []string
	for _, pool := range pools {
		spellings = append(spellings, poolPrefix+spelled(pool)+"_...")
	}
	return conf.Setting{}, fmt.Errorf("the configuration has no such pool; its pools are %s", strings.Join(spellings, ", "))
}

func unknownVariable(section, rest string) error {
	var names []string
	for _, d := range directives(section) {
		names = append(names, spelled(strings.TrimSuffix(d, "[]")))
	}
	what := "a pool has no directive "
	if section == "global" {
		what = "[global] has no directive "
	}
	return fmt.Errorf("%s%s%s", what, rest, nearest(rest, names))
}

// directiveOf is the directive that a variable's name means. What follows an array's name is the key: of env as
// it is; of PHP's settings with __ for a dot, and in small letters where it is all capitals.
func directiveOf(section, text string) (string, bool) {
	for _, d := range directives(section) {
		name, array := strings.CutSuffix(d, "[]")
		if !array || name == "access.suppress_path" {
			if text == spelled(name) {
				return d, true
			}
			continue
		}
		key, ok := strings.CutPrefix(text, spelled(name)+"_")
		if !ok || key == "" {
			continue
		}
		if name != "env" {
			if key == strings.ToUpper(key) {
				key = strings.ToLower(key)
			}
			key = strings.ReplaceAll(key, "__", ".")
		}
		return name + "[" + key + "]", true
	}
	return "", false
}
