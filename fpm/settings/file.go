package settings

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"golang.org/x/sys/unix"
)

// file is a phpsapi.yaml.
type file struct {
	name    string
	tree    map[string]any // for viper
	lines   map[string]int // where a key of the table stands
	sites   []site
	pools   map[string]PoolEngine
	workers map[string]*poolWorker
	stages  map[string]map[string]poolStage

	protections map[string]*poolProtection
}

func (f *file) at(line int) string { return fmt.Sprintf("%s:%d", f.name, line) }
func (f *file) dir() string        { return filepath.Dir(f.name) }

// maxFile is how long a phpsapi.yaml may be. The parser keeps a hundred times as much.
const maxFile = 1 << 20

// readAll returns the text of a file that is no longer than maxFile. Of a pipe or a terminal, which a reload could not read
// again, it waits for nothing. /dev/null is an empty file.
func readAll(name string) ([]byte, error) {
	opened, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	info, err := opened.Stat()
	if err != nil {
		return nil, err
	}
	if null, err := os.Stat(os.DevNull); !info.Mode().IsRegular() && (err != nil || !os.SameFile(info, null)) {
		return nil, fmt.Errorf("%s is not a file: put one there, or remove it", name)
	}
	data, err := io.ReadAll(io.LimitReader(opened, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s is longer than 1 MB: phpsapi's settings are a few lines", name)
	}
	return data, err
}

// readFile reads a phpsapi.yaml, and refuses keys that the table lacks.
func readFile(name string) (*file, error) {
	data, err := readAll(name)
	if err != nil {
		return nil, err
	}
	if name, err = filepath.Abs(name); err != nil {
		return nil, err
	}
	f := &file{name: name, tree: map[string]any{}, lines: map[string]int{}}
	var document, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	if err = decoder.Decode(&document); err == nil {
		if err = decoder.Decode(&second); err == nil {
			return nil, fmt.Errorf("%s: a second document begins here, and there may be one: remove the ---", f.at(second.Line))
		}
	}
	if err != io.EOF {
		if line := tabbed(string(data)); line > 0 && strings.Contains(err.Error(), "cannot start any token") {
			return nil, fmt.Errorf("%s: a tab indents this line: indent with spaces", f.at(line))
		}
		return nil, fmt.Errorf("%s: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(document.Content) == 0 { // empty, or comments alone
		return f, nil
	}
	return f, f.read("", document.Content[0], f.tree)
}

// read takes the map below a key.
func (f *file) read(below string, node *yaml.Node, tree map[string]any) error {
	node = target(node)
	if node.Kind != yaml.MappingNode {
		return fmt.Errorf("%s: write keys and values%s", f.at(node.Line), under(below))
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i], target(node.Content[i+1])
		if err := f.entry(below, name, value, tree); err != nil {
			return err
		}
	}
	return nil
}

func (f *file) entry(below string, name, value *yaml.Node, tree map[string]any) error {
	key := strings.TrimPrefix(below+"."+name.Value, ".")
	if key == "sites" {
		if f.sites != nil {
			return fmt.Errorf("%s: sites is there twice; remove one", f.at(name.Line))
		}
		return f.readSites(value)
	}
	if key == "pools" {
		if f.pools != nil {
			return fmt.Errorf("%s: pools is there twice; remove one", f.at(name.Line))
		}
		return f.readPools(value)
	}
	table := Table()
	if r := find(table, key); r != nil {
		if line, twice := f.lines[key]; twice {
			return fmt.Errorf("%s: %s is in line %d, too; remove one", f.at(name.Line), key, line)
		}
		if value.Tag == "!!null" { // nothing after the colon: the default
			return nil
		}
		f.lines[key] = name.Line
		var decoded any
		if err := value.Decode(&decoded); err != nil {
			return fmt.Errorf("%s: %s: %w", f.at(name.Line), key, err)
		}
		if value.Kind == yaml.ScalarNode { // as it is written: YAML has its own idea of 0660 and yes
			decoded = value.Value
		}
		tree[name.Value] = decoded
		return nil
	}
	for _, r := range table {
		if strings.HasPrefix(r.Key, key+".") {
			if value.Tag == "!!null" {
				return nil
			}
			child, ok := tree[name.Value].(map[string]any)
			if !ok {
				child = map[string]any{}
				tree[name.Value] = child
			}
			return f.read(key, value, child)
		}
	}
	return fmt.Errorf("%s: unknown setting %s%s", f.at(name.Line), key, nearest(key, append(names(table), "sites", "pools")))
}

// names are the keys of a table, and what stands above them in the file.
func names(table []Row) (all []string) {
	for _, key := range keys(table) {
		for end := range key {
			if key[end] == '.' && !slices.Contains(all, key[:end]) {
				all = append(all, key[:end])
			}
		}
		all = append(all, key)
	}
	return all
}

// tabbed returns the number of the first line that a tab indents; 0: none.
func tabbed(text string) int {
	number := 0
	for line := range strings.Lines(text) {
		number++
		if indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]; strings.Contains(indent, "\t") {
			return number
		}
	}
	return 0
}

// under says where a map is missing.
func under(key string) string {
	if key == "" {
		return ""
	}
	return " below " + key
}

// target is a node, or what an alias stands for.
func target(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}
