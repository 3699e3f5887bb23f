package settings

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/phpsapi/phpsapi/fpm/conf"
)

// Stages are what happens to a pool's requests that take too long, or whose client has left, beside what php-fpm.conf says.
type Stages struct {
	Soft   time.Duration // after which PHP throws a Phpsapi\RequestTimeout; 0: never
	Kill   time.Duration // after SIGTERM, until the worker gets SIGKILL; 0: never
	Client time.Duration // how often it is looked whether the client is there; 0: never
	// SoftPlace and KillPlace are where they are set; empty: nowhere.
	SoftPlace, KillPlace string
}

// The keys of stages, below a pool.
const (
	softKey   = "request_soft_timeout"
	killKey   = "request_kill_timeout"
	clientKey = "request_client_check"
)

// stageKeys are the keys of stages, with what they mean.
func stageKeys() []Row {
	return []Row{
		{Key: softKey, Kind: Duration, Default: "0", Zero: "never",
			Doc: "The time that a request may take until PHP throws a Phpsapi\\RequestTimeout in its script, so that it can answer and its shutdown functions run. It is an Error. Set it to less than request_terminate_timeout. 0: never."},
		{Key: killKey, Kind: Duration, Default: "2s",
			Doc: "The time that a worker has to end when request_terminate_timeout has sent it SIGTERM, until it gets SIGKILL. 0: no limit."},
		{Key: clientKey, Kind: Duration, Default: "0", Zero: "never",
			Doc: "How often it is looked whether a request's client has closed its connection. PHP then ends the script, unless it has asked for ignore_user_abort(). 0: never; PHP finds out when it writes."},
	}
}

// isStageKey reports whether a name is one of stages.
func isStageKey(name string) bool { return find(stageKeys(), name) != nil }

// leastStage is the shortest time that can be meant: less than many a request takes.
const leastStage = 10 * time.Millisecond

// poolStage is one value of a pool's stages.
type poolStage struct {
	time  time.Duration
	text  string
	place string
}

// newStage reads a value of a key.
func newStage(key string, value any, place string) (poolStage, error) {
	row := find(stageKeys(), key)
	list, err := items(row, value, "")
	if err != nil {
		return poolStage{}, fmt.Errorf("%s: %w", place, err)
	}
	d, _ := duration(first(list), "") // checked before
	if d > 0 && d < leastStage {
		return poolStage{}, fmt.Errorf("%s: %v is too short: write %v or more, or 0 for %s", place, d, leastStage, cmp.Or(row.Zero, noLimit))
	}
	return poolStage{d, first(list), place}, nil
}

// readStage takes a key of stages below a pool.
func (f *file) readStage(pool, key string, node *yaml.Node, place string) error {
	if node.Kind != yaml.ScalarNode {
		return fmt.Errorf("%s: write a time, such as 30s", place)
	}
	if _, twice := f.stages[pool][key]; twice {
		return fmt.Errorf("%s is there twice; remove one", place)
	}
	stage, err := newStage(key, node.Value, place)
	if err != nil {
		return err
	}
	if f.stages[pool] == nil {
		f.stages[pool] = map[string]poolStage{}
	}
	f.stages[pool][key] = stage
	return nil
}

// Stages returns the stages of these pools, by their names: from phpsapi.yaml, and over that from the overrides. Pools that are made
// beside another have that one's.
func (s *Settings) Stages(pools []*conf.Pool, overrides Overrides) (map[string]Stages, error) {
	names := ownNames(pools)
	all := map[string]map[string]poolStage{}
	for _, name := range slices.Sorted(maps.Keys(s.stages)) {
		pool, err := poolNamed(name, names)
		if err != nil {
			for _, key := range keys(stageKeys()) {
				if stage, set := s.stages[name][key]; set {
					return nil, fmt.Errorf("%s: %w", strings.TrimSuffix(stage.place, ": "+key), err)
				}
			}
		}
		all[pool] = maps.Clone(s.stages[name])
	}
	given, err := overrides.resolve(names)
	if err != nil {
		return nil, err
	}
	for _, o := range given {
		if o.Pool == "" || !isStageKey(o.Name) {
			continue
		}
		stage, err := newStage(o.Name, o.Value, o.From)
		if err != nil {
			return nil, err
		}
		if all[o.Pool] == nil {
			all[o.Pool] = map[string]poolStage{}
		}
		all[o.Pool][o.Name] = stage
	}
	made := map[string]Stages{}
	for _, name := range names {
		of := func(key string) time.Duration {
			if stage, set := all[name][key]; set {
				return stage.time
			}
			d, _ := duration(find(stageKeys(), key).Default, "")
			return d
		}
		made[name] = Stages{Soft: of(softKey), Kill: of(killKey), Client: of(clientKey), SoftPlace: all[name][softKey].place,
			KillPlace: all[name][killKey].place}
	}
	return made, nil
}

// Idle returns a sentence for each stage that never comes, because of the pool's request_terminate_timeout.
func (s Stages) Idle(p *conf.Pool) (all []string) {
	terminate := p.RequestTerminateTimeout
	if s.Soft > 0 && terminate > 0 && s.Soft >= terminate {
		all = append(all, fmt.Sprintf("%s: the script is never told, because request_terminate_timeout is %v: set a shorter time than that", s.SoftPlace, terminate))
	}
	if s.Kill > 0 && terminate == 0 && s.KillPlace != "" {
		all = append(all, fmt.Sprintf("%s: no worker is ever killed, because request_terminate_timeout is not set: it counts from then on", s.KillPlace))
	}
	return all
}
