package settings

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/viper"
)

// Source is where settings come from, but for the environment, which is the process's.
type Source struct {
	// Flags are the options' values by their rows' keys, each as often as it was given.
	Flags map[string][]string
	// File is --settings: a phpsapi.yaml that must be there.
	File string
	// Beside is a file beside which a phpsapi.yaml is looked for: the php-fpm.conf. Empty: there is none.
	Beside string
	// Defaults replace those of the table, by keys.
	Defaults map[string]string
	// Overrides may name worker scripts.
	Overrides Overrides
}

// systemFile is looked at last.
const systemFile = "/etc/phpsapi/phpsapi.yaml"

// Load reads and checks the settings.
func (s Source) Load() (*Settings, error) {
	l := &loader{source: s, table: Table(), viper: viper.New()}
	if err := misspelled(l.table, os.Environ()); err != nil {
		return nil, err
	}
	if err := l.readFile(); err != nil {
		return nil, err
	}
	if err := l.layer(); err != nil {
		return nil, err
	}
	return l.settings()
}

// misspelled refuses variables that are almost settings. Others that begin alike are somebody else's: Kubernetes makes
// PHPSAPI_PORT and PHPSAPI_SERVICE_HOST for a service called phpsapi.
func misspelled(table []Row, environ []string) error {
	names := []string{SettingsVariable}
	for _, r := range table {
		names = append(names, r.Environment())
	}
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, environmentPrefix) || slices.Contains(names, name) || strings.HasSuffix(name, "_PORT") {
			continue
		}
		for _, known := range names {
			if distance(name, known) <= 2 {
				return fmt.Errorf("%s: unknown setting; did you mean %s?", name, known)
			}
		}
	}
	return nil
}

// loader is the state of one Load.
type loader struct {
	source Source
	table  []Row
	viper  *viper.Viper
	file   *file // nil: none was found
}

// readFile finds and reads phpsapi.yaml.
func (l *loader) readFile() (err error) {
	named, by := l.source.File, "--"+SettingsFlag
	if named == "" {
		named, by = os.Getenv(SettingsVariable), SettingsVariable
	}
	if named != "" {
		if l.file, err = readFile(named); err != nil {
			return fmt.Errorf("%s: %w", by, err)
		}
		return nil
	}
	places := []string{systemFile}
	if l.source.Beside != "" {
		places = []string{filepath.Join(filepath.Dir(l.source.Beside), "phpsapi.yaml"), systemFile}
	}
	for _, name := range places {
		l.file, err = readFile(name)
		if err == nil || !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// layer tells viper what there is: the later beats the earlier.
func (l *loader) layer() error {
	for _, r := range l.table {
		def := r.Default
		if other, ok := l.source.Defaults[r.Key]; ok {
			def = other
		}
		l.viper.SetDefault(r.Key, def)
	}
	if l.file != nil {
		if err := l.viper.MergeConfigMap(l.file.tree); err != nil {
			return err
		}
	}
	for _, r := range l.table {
		if err := l.viper.BindEnv(r.Key, r.Environment()); err != nil {
			return err
		}
		if given := l.source.Flags[r.Key]; len(given) > 0 {
			if r.Kind != List && r.Kind != Paths && r.Kind != Address {
				given = given[len(given)-1:]
			}
			l.viper.Set(r.Key, given)
		}
	}
	return nil
}

// origin says where a key's value comes from and what relative paths are relative to.
func (l *loader) origin(r *Row) (origin, base string) {
	if len(l.source.Flags[r.Key]) > 0 {
		return "--" + r.Flag, here()
	}
	if os.Getenv(r.Environment()) != "" { // as viper looks at it
		return r.Environment(), here()
	}
	if l.file != nil {
		if line, ok := l.file.lines[r.Key]; ok {
			return l.file.at(line), l.file.dir()
		}
	}
	return "", here()
}

func here() string {
	dir, err := os.Getwd()
	if err != nil {
		return "/"
	}
	return dir
}

// values sets the value of every row.
func (l *loader) values() ([]Value, map[string][]string, error) {
	var values []Value
	texts := map[string][]string{}
	for _, r := range l.table {
		origin, base := l.origin(&r)
		items, err := items(&r, l.viper.Get(r.Key), base)
		if err != nil {
			return nil, nil, l.wrong(&r, origin, err)
		}
		texts[r.Key] = items
		values = append(values, Value{Row: r, Text: strings.Join(items, ","), Origin: origin})
	}
	return values, texts, nil
}

// items are a value as text, checked: at most one where the kind is not a list.
func items(r *Row, value any, base string) (all []string, err error) {
	switch r.Kind {
	case List, Paths, Address:
		all, err = list(value)
	default:
		var text string
		if text, err = scalar(value); text != "" || r.Kind.needed() {
			all = []string{text}
		}
	}
	if err != nil {
		return nil, err
	}
	for i, text := range all {
		if all[i], err = check(r, text, base); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// otherWords are what other servers have in the place of a log's path.
var otherWords = []string{"-", "off", "none", "no", "false", "null", "syslog"}

// check is one value, as it is meant.
func check(r *Row, text, base string) (string, error) {
	var err error
	switch r.Kind {
	case Path, Paths:
		if r.Key == "http.access_log" {
			if text == Stdout || text == Stderr {
				return text, nil
			}
			if slices.Contains(otherWords, text) {
				return "", fmt.Errorf("%q is not stdout, stderr or a path; leave it empty for no log, or write ./%s for a file of that name", text, text)
			}
		}
		if r.Key == incidentLogKey {
			if text == Stdout || text == Stderr || slices.Contains(otherWords, text) {
				return "", fmt.Errorf("%q is not a path; leave it empty for no log, or write ./%s for a file of that name", text, text)
			}
		}
		if r.Key == watchKey && text == on {
			return text, nil
		}
		return absolute(text, base), nil
	case Duration:
		_, err = duration(text, r.Zero)
	case Size:
		if text == Auto && r.Default == Auto {
			return text, nil
		}
		_, err = size(text, r.Zero)
	case Number:
		_, err = number(text)
	case Mode:
		_, err = mode(text)
	case Ratio:
		_, err = ratio(text)
	case Address:
		if (r.Key == MetricsKey || r.Key == DashboardKey) && text == off {
			return text, nil
		}
		_, err = address(text)
	}
	if len(r.Allowed) > 0 && !slices.Contains(r.Allowed, text) {
		err = fmt.Errorf("%q is not one of %s", text, strings.Join(r.Allowed, ", "))
	}
	switch r.Key {
	case engineKey:
		return engineText(text, base), nil
	case "http.trusted_proxies", "http.status_clients":
		err = proxy(text)
	case "hosts":
		err = host(text)
	case dashboardHostsKey:
		err = dashboardHost(text)
	case "http.deny", "deny":
		err = denial(text)
	case "http.compress_types", "compress_types":
		return strings.ToLower(text), mediaType(text)
	case "http.extensions", "extensions":
		if len(text) < 2 || text[0] != '.' || strings.Contains(text, "/") {
			err = fmt.Errorf("%q is not a file extension such as .php", text)
		}
	case "http.index", "index", "http.controller", "controller":
		if text != "" && (!filepath.IsLocal(text) || strings.HasSuffix(text, "/")) {
			err = fmt.Errorf("%q is not a file below the directory: write index.php or app/index.php", text)
		}
	}
	return text, err
}

// wrong says which setting is, and where it stands.
func (l *loader) wrong(r *Row, origin string, err error) error {
	if origin == "" {
		origin = "default"
	}
	return fmt.Errorf("%s: %s: %w", origin, r.Key, err)
}
