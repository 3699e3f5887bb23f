package settings

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/phpsapi/phpsapi/fpm/conf"
)

// Worker is worker mode for a pool: its workers run a worker script.
type Worker struct {
	Script      string   // path of the worker script
	For         []string // paths of the scripts whose requests it answers
	ForIsSet    bool     // For is not the default
	Processes   int      // a fixed number of workers; 0: pm decides
	Env         []conf.KeyValue
	MaxRequests int           // requests after which a worker is replaced; 0: never
	MaxMemory   int64         // bytes of its own after which a worker is replaced; 0: never
	Snapshot    int           // requests of a worker that is forked from a booted application; 0: each worker boots
	Warmup      []string      // paths of requests that are answered before the first worker is forked
	BootTimeout time.Duration // until the script must have asked for its first request
	Strict      bool          // what a request has changed of the process and of PHP's settings is put back
	Place       string        // where it is set, such as /etc/phpsapi/phpsapi.yaml:3
	// Where Processes and Env are set.
	ProcessesPlace, EnvPlace string
}

// workerKey is the key of worker mode: of a pool, and for the pool of http.pool.
const workerKey = "worker"

// workerKeys are the keys below worker, with what they mean.
func workerKeys() []Row {
	return []Row{
		{Key: "script", Kind: Path, Doc: "The worker script: it boots the application and calls frankenphp_handle_request(). Required. http.root is its directory, if that is not set and the pool is named by http.pool, or is that of a service without a php-fpm.conf."},
		{Key: "for", Kind: List, Show: "the worker script and the index.php beside it",
			Doc: "The scripts whose requests the worker script answers, from its directory. Requests for other scripts go to ordinary workers."},
		{Key: "processes", Kind: Number, Show: "what pm says", Doc: "A fixed number of workers."},
		{Key: "env", Kind: Text, Doc: "A map of environment variables for the workers, beside the pool's env."},
		{Key: "max_requests", Kind: Number, Default: "0",
			Doc: "The number of requests after which a worker is replaced, more or less by a tenth, so that not all are replaced at once. Its successor boots before it ends. 0: never."},
		{Key: "max_memory", Kind: Size, Default: "0", Doc: "The memory of its own that a worker may have before it is replaced in the same way. 0: no limit."},
		{Key: "snapshot", Kind: Number, Default: "0",
			Doc: "The application is booted once, in a process from which the workers are forked; each answers so many requests and is thrown away. 1: no request can see anything of another. 0: each worker boots the application, and answers as many as max_requests says."},
		{Key: "warmup", Kind: List, Doc: "With snapshot: paths, such as /, that are requested before the first worker is forked. Frameworks boot most of themselves in their first request."},
		{Key: "boot_timeout", Kind: Duration, Default: "60s", Doc: "How long the worker script may take until it asks for its first request."},
		{Key: "reset", Kind: Choice, Default: "compatible", Allowed: []string{"compatible", "strict"},
			Doc: "What is put back after each request. compatible: what FrankenPHP puts back. strict: also the settings of php.ini that a script has changed, except session.*, error and exception handlers, the directory, umask, locale, time zone, the environment and the seed of random numbers, all to what they were when the script had booted."},
	}
}

// poolWorker is what phpsapi.yaml and the overrides say of a pool's worker mode, by keys.
type poolWorker struct {
	values map[string][]string
	env    []conf.KeyValue
	place  string            // of what was set last
	places map[string]string // of single keys
}

// placeOf returns where a key is set.
func (w *poolWorker) placeOf(key string) string {
	if at, ok := w.places[key]; ok {
		return at
	}
	return w.place
}

// readWorker takes what is below a pool's worker: the path of a worker script, or keys.
func (f *file) readWorker(node *yaml.Node, place string) (w *poolWorker, err error) {
	w = &poolWorker{values: map[string][]string{}, place: place, places: map[string]string{}}
	if node.Kind == yaml.ScalarNode && node.Value != "" {
		w.values["script"] = []string{absolute(node.Value, f.dir())}
		return w, nil
	}
	if node.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s: write the path of a worker script, or script: PATH below it", place)
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], target(node.Content[i+1])
		where := fmt.Sprintf("%s: worker: %s", f.at(key.Line), key.Value)
		if _, twice := w.values[key.Value]; twice {
			return nil, fmt.Errorf("%s is there twice; remove one", where)
		}
		w.places[key.Value] = where
		if key.Value == "env" {
			if value.Kind != yaml.MappingNode {
				return nil, fmt.Errorf("%s: write names and values", where)
			}
			if w.env, err = f.readWorkerEnv(value); err != nil {
				return nil, err
			}
			w.values["env"] = nil
			continue
		}
		var decoded any
		if err := value.Decode(&decoded); err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		if err := w.set(key.Value, decoded, f.dir()); err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
	}
	return w, nil
}

// readWorkerEnv takes the map below env.
func (f *file) readWorkerEnv(node *yaml.Node) (env []conf.KeyValue, err error) {
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i], target(node.Content[i+1])
		where := fmt.Sprintf("%s: worker: env: %s", f.at(name.Line), name.Value)
		switch {
		case name.Value == "" || strings.ContainsAny(name.Value, "=\x00"):
			return nil, fmt.Errorf("%s: worker: env: %q is not a name of a variable: it must not be empty, nor have = in it", f.at(name.Line), name.Value)
		case slices.ContainsFunc(env, func(kv conf.KeyValue) bool { return kv.Key == name.Value }):
			return nil, fmt.Errorf("%s is there twice; remove one", where)
		case value.Kind != yaml.ScalarNode:
			return nil, fmt.Errorf("%s is a list or a map: write one text, in quotation marks", where)
		case value.Tag == "!!null":
			return nil, fmt.Errorf(`%s has no value: write a text in quotation marks, "" for an empty one, or remove the name`, where)
		case strings.Contains(value.Value, "\x00"):
			return nil, fmt.Errorf("%s has a NUL, which no variable can have: remove it", where)
		}
		env = append(env, conf.KeyValue{Key: name.Value, Value: value.Value})
	}
	return env, nil
}

// set sets a key's value.
func (w *poolWorker) set(key string, value any, base string) error {
	r := find(workerKeys(), key)
	if r == nil {
		return fmt.Errorf("unknown key%s", nearest(key, keys(workerKeys())))
	}
	if key == "env" {
		return errWorkerEnv
	}
	list, err := items(r, value, base)
	if err != nil {
		return err
	}
	w.values[key] = list
	return nil
}

// errWorkerEnv refuses worker.env outside of phpsapi.yaml, where variables have a way already.
var errWorkerEnv = errors.New("write it in phpsapi.yaml, or set the pool's env[NAME]")

// isWorkerKey reports whether a name is worker or one below it, and returns the key below it.
func isWorkerKey(name string) (key string, is bool) {
	if name == workerKey {
		return "script", true
	}
	return strings.CutPrefix(name, workerKey+".")
}

// Workers returns the worker modes of pools, by the pools' names: from phpsapi.yaml, from the setting worker, which is for the
// pool of http.pool, and over them from the overrides. It returns an error if what a worker mode needs is not there.
func (s *Settings) Workers(pools []*conf.Pool, overrides Overrides) (map[string]*Worker, error) {
	names := ownNames(pools)
	all, err := s.workersOf(names, overrides)
	if err != nil {
		return nil, err
	}
	made := map[string]*Worker{}
	for _, p := range pools {
		w := all[p.Name]
		if w == nil {
			continue
		}
		var key *refusedKey
		if made[p.Name], err = w.worker(); errors.As(err, &key) && key.place != "" {
			return nil, fmt.Errorf("%s: %s", key.place, key.why)
		} else if err != nil {
			return nil, fmt.Errorf("%s: worker: %w", w.place, err)
		}
		if p.Chroot.Filled() {
			return nil, fmt.Errorf("%s: worker: the pool %s has a chroot (%s), in which no worker script can be run: remove one", w.place, p.Name, p.Chroot.Value)
		}
		if made[p.Name].Snapshot > 0 && p.AppArmorHat.Filled() {
			return nil, fmt.Errorf("%s: worker: snapshot: the pool %s has an apparmor_hat, with which the application cannot be booted before its workers: remove one", w.place, p.Name)
		}
		if slices.Contains(names, conf.OthersName(p.Name)) {
			return nil, fmt.Errorf("%s: worker: there is a pool %s, which is the name of the pool for other scripts of %s: rename it", w.place, conf.OthersName(p.Name), p.Name)
		}
	}
	return made, nil
}

// siteWorker is the worker script that a site sets for its pool.
type siteWorker struct{ pool, script, place string }

// workersOf collects what is set of these pools.
func (s *Settings) workersOf(names []string, overrides Overrides) (map[string]*poolWorker, error) {
	all := map[string]*poolWorker{}
	for name, w := range s.workers {
		pool, err := poolNamed(name, names)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", w.place, err)
		}
		all[pool] = &poolWorker{values: maps.Clone(w.values), env: w.env, place: w.place, places: maps.Clone(w.places)}
	}
	given, err := overrides.resolve(names)
	if err != nil {
		return nil, err
	}
	of := func(pool, place string) *poolWorker {
		if all[pool] == nil {
			all[pool] = &poolWorker{values: map[string][]string{}, places: map[string]string{}}
		}
		all[pool].place = place
		return all[pool]
	}
	if v := s.setting(workerKey); v.Text != "" {
		pool, err := poolNamed(cmp.Or(s.setting("http.pool").Text, names[0]), names)
		if err != nil {
			return nil, fmt.Errorf("%s: http.pool: %w", s.setting("http.pool").Origin, err)
		}
		of(pool, v.Origin).values["script"] = []string{v.Text}
	}
	for _, w := range s.siteWorkers {
		pool, err := poolNamed(cmp.Or(w.pool, names[0]), names)
		if err != nil {
			return nil, fmt.Errorf("%s: pool: %w", w.place, err)
		}
		if known := all[pool]; known != nil && len(known.values["script"]) > 0 && first(known.values["script"]) != w.script {
			return nil, fmt.Errorf("%s: worker: the pool %s has the worker script %s (%s): give this site a pool of its own", w.place, pool, first(known.values["script"]), known.place)
		}
		of(pool, w.place).values["script"] = []string{w.script}
	}
	for _, o := range given {
		if key, is := isWorkerKey(o.Name); is && o.Pool != "" {
			w := of(o.Pool, o.From)
			if err := w.set(key, o.Value, here()); err != nil {
				return nil, fmt.Errorf("%s: %w", o.From, err)
			}
			w.places[key] = o.From
		}
	}
	return all, nil
}

// setting returns a setting of the table.
func (s *Settings) setting(key string) Value {
	for _, v := range s.Values {
		if v.Row.Key == key {
			return v
		}
	}
	return Value{}
}

// isScript reports why a path is none of a worker script.
func isScript(path string) error {
	if info, err := os.Stat(path); err != nil {
		return fmt.Errorf("script: the worker script %s cannot be found: %w", path, errors.Unwrap(err))
	} else if !info.Mode().IsRegular() {
		return fmt.Errorf("script: %s is not a file: write the path of a worker script", path)
	}
	return nil
}

// What no worker can do with, and what is so much that it must be a mistake.
const (
	leastMemory      = 1 << 20
	leastBootTimeout = 100 * time.Millisecond
	mostRequests     = 1_000_000_000
)

// bounds refuses values that cannot be meant.
func (w *poolWorker) bounds(made *Worker) error {
	for _, path := range made.Warmup {
		if !strings.HasPrefix(path, "/") {
			return w.refuse("warmup", "%q is not a path such as /login", path)
		}
		if strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			return w.refuse("warmup", "%q has a space or a control character: write it as browsers send it, a space as %%20", path)
		}
	}
	switch {
	case made.MaxMemory > 0 && made.MaxMemory < leastMemory:
		return w.refuse("max_memory", "%d bytes are less than any worker has: write 128M for instance, or 0 for no limit", made.MaxMemory)
	case made.BootTimeout > 0 && made.BootTimeout < leastBootTimeout:
		return w.refuse("boot_timeout", "%v is less than the start of a process may take: write 10s for instance, or 0 for no limit", made.BootTimeout)
	case made.Snapshot > mostRequests:
		return w.refuse("snapshot", "%d is more than %d requests: write 1, 20 or 1000 for instance", made.Snapshot, mostRequests)
	case made.MaxRequests > mostRequests:
		return w.refuse("max_requests", "%d is more than %d: write 0 for workers that are never replaced", made.MaxRequests, mostRequests)
	}
	return nil
}

// refuse is an error about a key, with the place at which it is set.
func (w *poolWorker) refuse(key, format string, args ...any) error {
	return &refusedKey{place: w.places[key], key: key, why: fmt.Sprintf(format, args...)}
}

// refusedKey is an error about a key of worker.
type refusedKey struct{ place, key, why string }

func (e *refusedKey) Error() string { return e.key + ": " + e.why }

// Unused returns a sentence for each setting of worker modes that has no effect beside the others.
func Unused(workers map[string]*Worker) (all []string) {
	for _, name := range slices.Sorted(maps.Keys(workers)) {
		switch w := workers[name]; {
		case w.Snapshot > 0 && w.MaxRequests > 0:
			all = append(all, fmt.Sprintf("%s: worker: max_requests has no effect beside snapshot, which is the number of requests that a worker answers: remove one", w.Place))
		case w.Snapshot == 0 && len(w.Warmup) > 0:
			all = append(all, fmt.Sprintf("%s: worker: warmup has no effect without snapshot: remove it, or set snapshot", w.Place))
		}
	}
	return all
}

// worker checks what is set and returns what it means.
func (w *poolWorker) worker() (*Worker, error) {
	one := func(key string) string {
		if text := first(w.values[key]); text != "" {
			return text
		}
		return find(workerKeys(), key).Default
	}
	made := &Worker{Script: filepath.Clean(one("script")), Env: w.env, Strict: one("reset") == "strict", Place: w.place,
		ProcessesPlace: w.placeOf("processes"), EnvPlace: w.placeOf("env")}
	if one("script") == "" {
		return nil, errors.New("no script is set: write script: PATH, the worker script")
	}
	if err := isScript(made.Script); err != nil {
		return nil, err
	}
	made.Processes, _ = number(first(w.values["processes"])) // checked before, as all that follows
	made.MaxRequests, _ = number(one("max_requests"))
	made.MaxMemory, _ = size(one("max_memory"), "")
	made.Snapshot, _ = number(one("snapshot"))
	made.Warmup = w.values["warmup"]
	made.BootTimeout, _ = duration(one("boot_timeout"), "")
	if err := w.bounds(made); err != nil {
		return nil, err
	}
	dir := filepath.Dir(made.Script)
	for _, name := range w.values["for"] {
		made.For, made.ForIsSet = append(made.For, filepath.Clean(absolute(name, dir))), true
	}
	if made.For == nil {
		made.For = []string{made.Script}
		if index := filepath.Join(dir, "index.php"); index != made.Script {
			made.For = append(made.For, index)
		}
	}
	return made, nil
}
