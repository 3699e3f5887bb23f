package settings

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// PoolEngine is the engine that a pool has for itself.
type PoolEngine struct {
	Text  string // as the setting engine has it
	Place string // where it stands, such as /etc/phpsapi/phpsapi.yaml:3: pools: shop: engine
}

// readPools takes what phpsapi.yaml says of pools: their engines, worker modes, stages and protections.
func (f *file) readPools(node *yaml.Node) error {
	if node.Kind != yaml.MappingNode {
		return fmt.Errorf("%s: pools: write names of pools, and below each engine: VERSION, worker: SCRIPT or sandbox: web", f.at(node.Line))
	}
	f.pools, f.workers, f.protections = map[string]PoolEngine{}, map[string]*poolWorker{}, map[string]*poolProtection{}
	f.stages = map[string]map[string]poolStage{}
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		pool, value := node.Content[i], target(node.Content[i+1])
		if seen[pool.Value] {
			return fmt.Errorf("%s: pools: %s is there twice; remove one", f.at(pool.Line), pool.Value)
		}
		seen[pool.Value] = true
		if value.Kind != yaml.MappingNode {
			return fmt.Errorf("%s: pools: %s: write engine: VERSION, worker: SCRIPT or sandbox: web below it", f.at(pool.Line), pool.Value)
		}
		for j := 0; j+1 < len(value.Content); j += 2 {
			key, text := value.Content[j], target(value.Content[j+1])
			where := fmt.Sprintf("%s: pools: %s: ", f.at(key.Line), pool.Value)
			switch key.Value {
			case engineKey:
			case workerKey:
				if f.workers[pool.Value] != nil {
					return fmt.Errorf("%sworker is there twice; remove one", where)
				}
				w, err := f.readWorker(text, fmt.Sprintf("%s: pools: %s", f.at(key.Line), pool.Value))
				if err != nil {
					return err
				}
				f.workers[pool.Value] = w
				continue
			case softKey, killKey, clientKey:
				if err := f.readStage(pool.Value, key.Value, text, where+key.Value); err != nil {
					return err
				}
				continue
			default:
				is, err := f.readProtection(pool.Value, key, text)
				if err == nil && !is {
					err = fmt.Errorf("%sunknown key %s%s", where, key.Value, nearest(key.Value, append(append(protectionNames(), keys(stageKeys())...), engineKey, workerKey)))
				}
				if err != nil {
					return err
				}
				continue
			}
			if text.Kind != yaml.ScalarNode || text.Value == "" {
				return fmt.Errorf("%sengine: write a version such as 8.4, or the path of a libphp", where)
			}
			f.pools[pool.Value] = PoolEngine{engineText(text.Value, f.dir()), fmt.Sprintf("%s: pools: %s: %s", f.at(key.Line), pool.Value, engineKey)}
		}
	}
	return nil
}

// engineText is a value of engine, with a path that begins where it was given.
func engineText(text, base string) string {
	if strings.Contains(text, "/") {
		return absolute(text, base)
	}
	return text
}

// Engines returns the engines that these pools have for themselves, by their names: from phpsapi.yaml, and over that from the
// overrides. It is an error if phpsapi.yaml names another pool.
func (s *Settings) Engines(pools []string, overrides Overrides) (map[string]PoolEngine, error) {
	all := map[string]PoolEngine{}
	for name, engine := range s.Pools {
		pool, err := poolNamed(name, pools)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", strings.TrimSuffix(engine.Place, ": "+engineKey), err)
		}
		all[pool] = engine
	}
	given, err := overrides.resolve(pools)
	if err != nil {
		return nil, err
	}
	for _, o := range given {
		if o.Pool != "" && o.Name == engineKey {
			all[o.Pool] = PoolEngine{engineText(o.Value, here()), o.From}
		}
	}
	return all, nil
}
