package settings

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
)

// settings makes the Settings of the values.
func (l *loader) settings() (*Settings, error) {
	values, texts, err := l.values()
	if err != nil {
		return nil, err
	}
	s := &Settings{Values: values}
	one := func(key string) string { return first(texts[key]) }
	for _, to := range []struct {
		list *[]string
		key  string
	}{{&s.Listen, "http.listen"}, {&s.TLSListen, "http.tls.listen"}} {
		for _, text := range texts[to.key] {
			a, _ := address(text) // checked before, as all that follows
			*to.list = append(*to.list, a)
		}
	}
	for _, text := range texts[MetricsKey] {
		if text != off {
			a, _ := address(text)
			s.Metrics = append(s.Metrics, a)
		}
	}
	s.MetricsMode, _ = mode(one("metrics.unix_mode"))
	s.MetricsByDefault = s.setting(MetricsKey).Origin == ""
	s.Dashboard = l.dashboard(texts)
	s.UnixMode, _ = mode(one("http.unix_mode"))
	s.Direct = one(directKey) == Auto
	s.User, s.Group = one("http.user"), one("http.group")
	s.TrustedProxies, s.StatusClients = texts["http.trusted_proxies"], texts["http.status_clients"]
	s.PCNTL = one("php.pcntl") == on
	s.Apache = one(apacheKey) == on
	s.Watch = texts[watchKey]
	s.AccessLog, s.AccessFormat = one("http.access_log"), one(accessFormatKey)
	if s.LogJSON = one(logFormatKey) == json; s.LogJSON && s.setting(accessFormatKey).Origin == "" {
		s.AccessFormat = json
		s.show(accessFormatKey, json)
	}
	s.IncidentLog = one(incidentLogKey)
	s.ShutdownDelay, _ = duration(one(shutdownDelayKey), "")
	if s.Traces, err = l.traces(s, one); err != nil {
		return nil, err
	}
	s.Limits, s.BodyBytes = limits(one), sizeOrAuto(one("http.limits.body_size"))
	var sites []site
	if l.file != nil {
		s.File, sites, s.Pools = l.file.name, l.file.sites, l.file.pools
		s.workers, s.stages, s.protections = l.file.workers, l.file.stages, l.file.protections
	}
	root := texts["http.root"]
	nothing := len(root)+len(sites) == 0 && len(s.Listen)+len(s.TLSListen) > 0
	if origin, _ := l.origin(find(l.table, "http.root")); origin == "" && (nothing || len(root) > 0) {
		script, place := l.frontScript(s, texts)
		if err := isScript(script); script != "" && err != nil {
			return nil, fmt.Errorf("%s: worker: %w", place, err)
		}
		if script != "" {
			root = []string{filepath.Dir(script)} // the default would be another
			s.show("http.root", root[0])
		}
	}
	if len(root) > 0 {
		sites = append(sites[:len(sites):len(sites)], site{values: map[string][]string{"root": root}})
	}
	for _, site := range sites {
		made := site.contractSite(texts)
		s.Sites = append(s.Sites, made)
		if script := first(site.values[workerKey]); script != "" {
			s.siteWorkers = append(s.siteWorkers, siteWorker{made.Pool, script, fmt.Sprintf("%s: sites", l.file.at(site.line))})
		}
	}
	return s, l.checkFront(s, texts, sites)
}

// frontScript returns the worker script of http.pool, and where it is set; empty: none is, or the pool is not known here, as it is
// the first of a php-fpm.conf.
func (l *loader) frontScript(s *Settings, texts map[string][]string) (script, place string) {
	if script = first(texts[workerKey]); script != "" {
		return script, s.setting(workerKey).Origin
	}
	pool := first(texts["http.pool"])
	if pool == "" {
		return "", ""
	}
	for name, w := range s.workers {
		if strings.EqualFold(name, pool) {
			script, place = first(w.values["script"]), w.place
		}
	}
	if given, from := l.source.Overrides.workerScript(pool); given != "" {
		script, place = given, from
	}
	return script, place
}

// show has -tt show another default for a setting.
func (s *Settings) show(key, text string) {
	for i := range s.Values {
		if s.Values[i].Row.Key == key {
			s.Values[i].Text = text
		}
	}
}

func limits(one func(string) string) contract.FrontLimits {
	time := func(key string) time.Duration { d, _ := duration(one("http.limits."+key), ""); return d }
	bytes := func(key string) int64 { return sizeOrAuto(one("http.limits." + key)) }
	count := func(key string) int { n, _ := number(one("http.limits." + key)); return n }
	return contract.FrontLimits{
		HeaderTimeout: time("header_timeout"), BodyTimeout: time("body_timeout"), IdleTimeout: time("idle_timeout"),
		RequestTimeout: time("request_timeout"), ConnectTimeout: time("connect_timeout"), QueueTimeout: time("queue_timeout"),
		DrainTimeout: time("drain_timeout"), Queue: count("queue"), HeaderBytes: int(bytes("header_size")),
		SpoolBytes: bytes("spool_size"), SpoolTotal: bytes("spool_total"), Connections: count("connections"),
	}
}

// sizeOrAuto is a Size, or -1 for Auto.
func sizeOrAuto(text string) int64 {
	if text == Auto {
		return -1
	}
	n, _ := size(text, "")
	return n
}

// checkFront checks what a front needs, where there is to be one.
func (l *loader) checkFront(s *Settings, texts map[string][]string, sites []site) error {
	taken := map[string]string{} // addresses, and the keys that have them
	certificates, keys := texts["http.tls.certificate"], texts["http.tls.key"]
	about := func(key string, format string, args ...any) error {
		r := find(l.table, key)
		origin, _ := l.origin(r)
		return l.wrong(r, origin, fmt.Errorf(format, args...))
	}
	if len(certificates) != len(keys) {
		key := "http.tls.certificate"
		if len(certificates) == 0 {
			key = "http.tls.key"
		}
		return about(key, "%d certificates and %d keys: every certificate needs its key (http.tls.key)", len(certificates), len(keys))
	}
	for i := range certificates {
		s.Certificates = append(s.Certificates, Pair{certificates[i], keys[i]})
	}
	if len(s.TLSListen) > 0 && len(certificates) == 0 {
		return about("http.tls.listen", "there is no certificate: say http.tls.certificate and http.tls.key")
	}
	if !s.Front() {
		return nil
	}
	for i, address := range append(slices.Clone(s.Listen), s.TLSListen...) {
		key, text := "http.listen", ""
		if i < len(s.Listen) {
			text = texts[key][i]
		} else {
			key = "http.tls.listen"
			text = texts[key][i-len(s.Listen)]
		}
		if of, twice := taken[anyHost(address)]; twice {
			return about(key, "%s is an address of %s already: remove one of the two", text, of)
		}
		taken[anyHost(address)] = key
	}
	if why := accessLog(s.AccessLog); why != nil {
		return about("http.access_log", "%w", why)
	}
	if len(s.Sites) == 0 {
		key := "http.listen"
		if len(s.Listen) == 0 {
			key = "http.tls.listen"
		}
		return about(key, "nothing is served there: say --root DIR, PHPSAPI_HTTP_ROOT, or http.root or sites in phpsapi.yaml%s", s.hintPool())
	}
	for i, site := range s.Sites {
		for j := range i {
			if sites[i].line > 0 && hides(s.Sites[j], site) {
				return fmt.Errorf("%s: sites: this site never answers: the one in line %d comes first and takes all its requests; move this one before it",
					l.file.at(sites[i].line), sites[j].line)
			}
		}
		why := directory(site.Root)
		switch {
		case why == nil:
		case sites[i].line > 0:
			return fmt.Errorf("%s: sites: root: %w", l.file.at(sites[i].line), why)
		default:
			return about("http.root", "%w", why)
		}
	}
	return nil
}

// hintPool adds to an error on a root that is not set that a pool with a worker script has one, if it is named.
func (s *Settings) hintPool() string {
	names := slices.Sorted(maps.Keys(s.workers))
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("; or name the pool that serves: with http.pool: %s the root is the directory of its worker script", names[0])
}

// anyHost returns an address that is the same for all ways to write any address.
func anyHost(address string) string {
	if port, any := strings.CutPrefix(address, "0.0.0.0:"); any {
		return port
	}
	return strings.ToLower(address)
}

// accessLog reports why a file cannot be the access log, as far as that can be seen without opening it.
func accessLog(name string) error {
	if name == "" || name == Stdout || name == Stderr {
		return nil
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a directory: name a file in it", name)
	}
	if err := directory(filepath.Dir(name)); err != nil {
		return fmt.Errorf("%s cannot be made: %w; make the directory", name, err)
	}
	return nil
}

// directory says why a path is none.
func directory(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a directory", path)
	}
	return err
}
