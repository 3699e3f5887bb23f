package settings

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// Settings are phpsapi's own settings, checked as far as that is possible without php-fpm.conf.
type Settings struct {
	File   string // the phpsapi.yaml that was read; empty: none
	Values []Value

	Listen, TLSListen []string // as php-fpm's listen has them: 8080, 127.0.0.1:8080, [::1]:8080, /run/x.sock
	Certificates      []Pair
	UnixMode          uint32
	Direct            bool // workers may speak HTTP

	// Sites are those of phpsapi.yaml and then the one of http.root, if there is one. What they leave to php-fpm.conf
	// is empty: Pool, Controller and Extensions.
	Sites []contract.Site

	Metrics          []string // as Listen
	MetricsMode      uint32
	MetricsByDefault bool // nobody has set Metrics

	Dashboard Dashboard

	User, Group    string
	TrustedProxies []string
	StatusClients  []string
	AccessLog      string // a file, Stdout or Stderr
	AccessFormat   string
	IncidentLog    string // empty: none
	LogJSON        bool   // the logs are in JSON
	ShutdownDelay  time.Duration
	Traces         Traces
	Limits         contract.FrontLimits
	BodyBytes      int64 // the largest body; 0: any; -1: see BodyLimit

	Pools map[string]PoolEngine // the engines that phpsapi.yaml gives single pools, by their names

	workers map[string]*poolWorker // the worker modes that phpsapi.yaml gives single pools, by their names
	stages  map[string]map[string]poolStage

	protections map[string]*poolProtection // likewise what protects them

	Watch []string // directories whose changes reload the service; "on" stands for the application's own, see WatchedDirectories

	siteWorkers []siteWorker

	Apache bool // the service is that of httpd's module

	PCNTL bool // scripts have the extension pcntl, if libphp has it built in
}

// The values of AccessLog that are the master's standard output and standard error.
const (
	Stdout = "stdout"
	Stderr = "stderr"
)

// NoController is what a site's controller is called where there is to be none.
const NoController = "none"

// Pair is a certificate's file and its key's.
type Pair struct{ Certificate, Key string }

// Value is a setting as text, and where it comes from.
type Value struct {
	Row    Row
	Text   string
	Origin string // --http, PHPSAPI_HTTP_LISTEN, /etc/phpsapi/phpsapi.yaml:3; empty: the default
}

// Asked adds to what was asked for elsewhere what the settings say of the engine.
func (s *Settings) Asked(asked engines.Asked) engines.Asked {
	for _, v := range s.Values {
		if v.Row.Key != engineKey {
			continue
		}
		switch v.Origin {
		case "": // the default
		case engines.Option:
			asked.Option = v.Text
		case engines.Variable:
			asked.Environment = v.Text
		default:
			asked.Setting, asked.Place = v.Text, v.Origin+": "+engineKey
		}
	}
	return asked
}

// Located returns err with the place of a setting before its text, such as a file and line: of the setting whose key the text begins with.
func (s *Settings) Located(err error) error {
	if err == nil {
		return nil
	}
	key, _, _ := strings.Cut(err.Error(), ":")
	for _, v := range s.Values {
		if v.Row.Key == key && v.Origin != "" {
			return fmt.Errorf("%s: %w", v.Origin, err)
		}
	}
	return err
}

// Missing returns a sentence for each site whose controller was set and is not there: its paths that are not files are 404.
func (s *Settings) Missing() (all []string) {
	for _, site := range s.Sites {
		if site.Controller == "" || site.Controller == NoController {
			continue
		}
		file := filepath.Join(site.Root, site.Controller)
		if info, err := os.Stat(file); errors.Is(err, os.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
			all = append(all, fmt.Sprintf("the controller %s is not a file: paths that are not files get 404 until it is there (see http.controller)", file))
		}
	}
	return all
}

// Front reports whether there is to be a front.
func (s *Settings) Front() bool { return len(s.Listen)+len(s.TLSListen) > 0 }

// WatchedDirectories returns the directories to watch, if the service's applications are in these worker modes.
func (s *Settings) WatchedDirectories(workers map[string]*Worker) (dirs []string) {
	for _, dir := range s.Watch {
		if dir != on {
			dirs = append(dirs, dir)
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(workers)) {
			dirs = append(dirs, project(filepath.Dir(workers[name].Script)))
		}
		if len(workers) == 0 {
			for _, site := range s.Sites {
				dirs = append(dirs, project(site.Root))
			}
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// project returns the directory of the application whose scripts for the web are in a directory.
func project(dir string) string {
	if parent := filepath.Dir(dir); parent != "/" && slices.Contains([]string{"public", "web", "www", "html", "htdocs", "webroot"}, filepath.Base(dir)) {
		return parent
	}
	return dir
}

// Given reports whether any setting is not a default.
func (s *Settings) Given() bool {
	return len(s.Sites)+len(s.Pools)+len(s.workers)+len(s.stages)+len(s.protections) > 0 || slices.ContainsFunc(s.Values, func(v Value) bool { return v.Origin != "" })
}

// Lines returns the settings as -tt shows php-fpm's, with where each comes from.
func (s *Settings) Lines() []string {
	lines := []string{"[phpsapi]"}
	for _, v := range s.Values {
		origin, text := v.Origin, v.Text
		if origin == "" {
			origin = "default"
		}
		if text == "" {
			text = "undefined"
		}
		lines = append(lines, "\t"+v.Row.Key+" = "+text+"  ; "+origin)
	}
	for _, pool := range slices.Sorted(maps.Keys(s.Pools)) {
		lines = append(lines, "\tpools."+pool+".engine = "+s.Pools[pool].Text+"  ; "+s.Pools[pool].Place)
	}
	for _, pool := range slices.Sorted(maps.Keys(s.workers)) {
		w := s.workers[pool]
		for _, r := range workerKeys() {
			if list := w.values[r.Key]; len(list) > 0 {
				lines = append(lines, "\tpools."+pool+".worker."+r.Key+" = "+strings.Join(list, ",")+"  ; "+w.placeOf(r.Key))
			}
		}
	}
	for _, pool := range slices.Sorted(maps.Keys(s.stages)) {
		for _, r := range stageKeys() {
			if stage, set := s.stages[pool][r.Key]; set {
				lines = append(lines, "\tpools."+pool+"."+r.Key+" = "+stage.text+"  ; "+stage.place)
			}
		}
	}
	for _, pool := range slices.Sorted(maps.Keys(s.protections)) {
		p := s.protections[pool]
		for _, r := range protectionKeys() {
			if list := p.values[r.Key]; len(list) > 0 {
				lines = append(lines, "\tpools."+pool+"."+r.Key+" = "+strings.Join(list, ",")+"  ; "+p.places[r.Key])
			}
		}
	}
	for _, site := range s.Sites {
		hosts := strings.Join(site.Hosts, ",")
		if hosts == "" {
			hosts = "any host"
		}
		lines = append(lines, "\tsite = "+hosts+" "+site.Path+"/ -> "+site.Root)
	}
	return lines
}

// leastBody is what a body may have at least if nobody has set http.limits.body_size: .user.ini may allow more than php.ini.
const leastBody = 64 << 20

// BodyLimit returns the largest body of a request for a pool whose post_max_size is text, as PHP writes it; "" if that is
// unknown. 0: any.
func (s *Settings) BodyLimit(text string) int64 {
	if s.BodyBytes >= 0 {
		return s.BodyBytes
	}
	if text == "" {
		return leastBody
	}
	n, err := size(strings.ToUpper(strings.TrimSpace(text)), "")
	switch {
	case err != nil: // negative, or such as PHP itself warns of
		return leastBody
	case n == 0:
		return 0
	}
	return max(n, leastBody)
}
