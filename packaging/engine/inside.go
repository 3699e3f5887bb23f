package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A part is an extension as it becomes a part of the program: its object, the libraries that are loaded when php.ini asks for it,
// and what of them it refers to.
type part struct {
	extension
	object    string
	libraries []string // names that the loader looks for, such as libcurl.so.4
	late      []string // symbols
	fixups    []fixup
}

// extensionObjects returns the objects of an extension.
func (w *work) extensionObjects(e extension) ([]string, error) {
	text, err := w.variable("shared_objects_" + e.name)
	if err != nil {
		return nil, err
	}
	return w.libtoolObjects(text)
}

// partOf makes an extension's object, whose symbols are its own but for those that PHP exports, and binds late what neither PHP nor the
// program's own libraries define.
func (w *work) partOf(log *os.File, dir string, e extension, known map[string]bool) (part, error) {
	p := part{extension: e, object: filepath.Join(dir, e.name+".o")}
	objects, err := w.extensionObjects(e)
	if err != nil {
		return p, err
	}
	if err := execute(log, w.root, nil, "ld", append([]string{"-r", "-o", p.object}, objects...)...); err != nil {
		return p, err
	}
	missing, err := undefined(p.object)
	if err != nil {
		return p, err
	}
	p.late = slices.DeleteFunc(missing, func(name string) bool { return known[name] })
	if p.libraries, err = w.librariesOf(e, p.late); err != nil {
		return p, err
	}
	if p.fixups, err = bindLater(p.object, func(name string) bool { _, late := slices.BinarySearch(p.late, name); return late }); err != nil {
		return p, err
	}
	arguments := []string{"--localize-hidden"}
	for _, name := range entries {
		arguments = append(arguments, "--redefine-sym", name+"="+name+"_of_"+e.name)
	}
	renamed := []string{}
	for section := range sectionsOf(p.fixups) {
		arguments = append(arguments, "--add-symbol", fmt.Sprintf("%s=%s:0,global", p.mark(section), section))
		renamed = append(renamed, "--rename-section", section+"=.data.late"+section+",alloc,load,data,contents")
	}
	if err := execute(log, w.root, nil, "objcopy", append(arguments, p.object)...); err != nil {
		return p, err
	}
	if len(renamed) == 0 {
		return p, nil
	}
	// The linker would have them protected at the program's start, when they have to be written still.
	return p, execute(log, w.root, nil, "objcopy", append(renamed, p.object)...)
}

// inside makes the objects of an engine that is a part of the program, and the arguments by which the program is linked to them.
func (w *work) inside(log *os.File) error {
	dir := filepath.Join(w.result, "parts")
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return err
	}
	php, err := w.phpObject(log, dir)
	if err != nil {
		return err
	}
	libraries, err := w.libraries()
	if err != nil {
		return err
	}
	known, err := w.known(php, libraries)
	if err != nil {
		return err
	}
	var parts []part
	objects := []string{php}
	for _, e := range w.extensions {
		p, err := w.partOf(log, dir, e, known)
		if err != nil {
			return err
		}
		parts, objects = append(parts, p), append(objects, p.object)
	}
	list := filepath.Join(dir, "list.c")
	text, err := w.licenses()
	if err != nil {
		return err
	}
	if err := os.WriteFile(list, []byte(insideList(parts)+licenseText(text)), 0o644); err != nil {
		return err
	}
	object := filepath.Join(dir, "list.o")
	if err := execute(log, w.root, nil, "cc", "-O2", "-I"+filepath.Join(w.root, "lifecycle", "engine"), "-c", "-o", object, list); err != nil {
		return err
	}
	arguments := append([]string{"--export-dynamic"}, append(objects, object)...) // extensions that are files find PHP in the program
	for _, library := range libraries {
		arguments = append(arguments, strings.TrimPrefix(library, "-Wl,"))
	}
	sum, err := checksum(dir)
	if err != nil {
		return err
	}
	// go build sees by the name that the objects are others.
	if old, _ := filepath.Glob(filepath.Join(w.result, "arguments-*")); len(old) > 0 {
		os.Remove(old[0])
	}
	return os.WriteFile(filepath.Join(w.result, "arguments-"+sum[:16]), []byte(strings.Join(arguments, "\n")+"\n"), 0o644)
}

// phpObject makes one object of PHP and of what phpsapi calls it by. PHP's own calls of the loader go to php_inside.c.
func (w *work) phpObject(log *os.File, dir string) (string, error) {
	l := output{dir: dir, flags: "-DENGINE_INSIDE"}
	if w.profile {
		l.flags += " " + trained
	}
	contract, err := w.compileContract(log, l)
	if err != nil {
		return "", err
	}
	objects, err := w.objects()
	if err != nil {
		return "", err
	}
	list, object := filepath.Join(dir, "objects"), filepath.Join(dir, "php.o")
	if err := os.WriteFile(list, []byte(strings.Join(append(contract, objects...), "\n")+"\n"), 0o644); err != nil {
		return "", err
	}
	if err := execute(log, w.root, nil, "ld", "-r", "--wrap=dlopen", "--wrap=dlsym", "--wrap=dlclose", "--wrap=dlerror", "-o", object, "@"+list); err != nil {
		return "", err
	}
	return object, execute(log, w.root, nil, "objcopy", "--localize-hidden", "--localize-symbol=phpsapi_engine", object)
}

// known returns the symbols that are there when the program has started: PHP's, and those of the libraries that it is linked to.
func (w *work) known(php string, libraries []string) (map[string]bool, error) {
	known := map[string]bool{"_GLOBAL_OFFSET_TABLE_": true}
	names, err := defined(php)
	if err != nil {
		return nil, err
	}
	for _, library := range append([]string{"-lc", "-lgcc_s"}, libraries...) {
		library, ok := strings.CutPrefix(library, "-l")
		if !ok {
			continue
		}
		file := "lib" + library + ".so"
		if library == "c" || library == "m" || library == "gcc_s" || library == "rt" || library == "dl" {
			file = map[string]string{"c": "libc.so.6", "m": "libm.so.6", "gcc_s": "libgcc_s.so.1", "rt": "librt.so.1", "dl": "libdl.so.2"}[library]
		}
		_, symbols, err := sharedLibrary(file)
		if err != nil {
			return nil, err
		}
		names = append(names, symbols...)
	}
	for _, e := range w.extensions {
		objects, err := w.extensionObjects(e)
		if err != nil {
			return nil, err
		}
		for _, object := range objects {
			symbols, err := defined(object)
			if err != nil {
				return nil, err
			}
			names = append(names, symbols...)
		}
	}
	for _, name := range names {
		known[name] = true
	}
	return known, nil
}

// entries are the symbols by which PHP finds what a loaded extension is.
var entries = []string{"get_module", "zend_extension_entry", "extension_version_info"}

func sectionsOf(fixups []fixup) map[string]bool {
	sections := map[string]bool{}
	for _, f := range fixups {
		sections[f.section] = true
	}
	return sections
}

// mark returns the symbol that stands for the beginning of one of the object's sections.
func (p part) mark(section string) string {
	return "section_of_" + p.name + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, section)
}

// librariesOf returns the names of the libraries that an extension's late symbols are in. It returns an error if one is in none.
func (w *work) librariesOf(e extension, late []string) (names []string, err error) {
	if len(late) == 0 {
		return nil, nil
	}
	text, err := w.variable(strings.ToUpper(e.name) + "_SHARED_LIBADD")
	if err != nil {
		return nil, fmt.Errorf("%w, and %s refers to %v", err, e.name, late)
	}
	sought := map[string]bool{}
	for _, name := range late {
		sought[name] = true
	}
	for _, field := range strings.Fields(text) {
		library, ok := strings.CutPrefix(field, "-l")
		if !ok {
			continue
		}
		name, symbols, err := sharedLibrary("lib" + library + ".so")
		if err != nil {
			return nil, err
		}
		has := false
		for _, symbol := range symbols {
			has = has || sought[symbol]
			delete(sought, symbol)
		}
		if has {
			names = append(names, name)
		}
	}
	if len(sought) > 0 {
		return nil, fmt.Errorf("%s refers to symbols that are in no library of %q: %v", e.name, text, slices.Sorted(maps.Keys(sought)))
	}
	return names, nil
}

// linkerInput is the library that a script for the linker, which may stand in a library's place, names first.
var linkerInput = regexp.MustCompile(`INPUT\s*\(\s*([^\s()]+)`)

// sharedLibrary returns the name by which the loader finds a library, and the symbols that it defines. name is that of the linker.
func sharedLibrary(name string) (soname string, symbols []string, err error) {
	said, err := exec.Command("cc", "-print-file-name="+name).Output()
	if err != nil {
		return "", nil, fmt.Errorf("cc: %w", err)
	}
	path := strings.TrimSpace(string(said))
	file, err := elf.Open(path)
	if err != nil {
		text, _ := os.ReadFile(path)
		if input := linkerInput.FindSubmatch(text); input != nil && string(input[1]) != name {
			return sharedLibrary(string(input[1]))
		}
		return "", nil, fmt.Errorf("%s: %w", name, err)
	}
	defer file.Close()
	names, err := file.DynString(elf.DT_SONAME)
	if err != nil || len(names) != 1 {
		return "", nil, fmt.Errorf("%s has no name for the loader", path)
	}
	symbols, err = defined(path)
	return names[0], symbols, err
}
