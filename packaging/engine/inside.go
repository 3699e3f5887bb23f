package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A part is an extension as it becomes a part of the program: its object, the libraries that it calls, and the words of its data that
// hold addresses of these libraries' objects.
type part struct {
	extension
	object    string
	libraries []int // places in late.libraries
	atOnce    bool  // its libraries are opened when it is loaded
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
func (w *work) partOf(log *os.File, dir string, e extension, known map[string]bool, late *lateTable) (part, error) {
	p := part{extension: e, object: filepath.Join(dir, e.name+".o")}
	objects, err := w.extensionObjects(e)
	if err != nil {
		return p, err
	}
	compilers, err := compilersLibrary()
	if err != nil {
		return p, err
	}
	if err := execute(log, w.root, nil, "ld", append(append([]string{"-r", "-o", p.object}, objects...), compilers)...); err != nil {
		return p, err
	}
	missing, err := undefined(p.object)
	if err != nil {
		return p, err
	}
	missing = slices.DeleteFunc(missing, func(name string) bool { return known[name] })
	if len(missing) > 0 {
		text, _ := w.variable(strings.ToUpper(e.name) + "_SHARED_LIBADD") // without it the extension calls libraries of PHP's own
		if p.libraries, err = late.add(missing, append(strings.Fields(text), lateCore...)); err != nil {
			return p, fmt.Errorf("%s: %w", e.name, err)
		}
	}
	// Nothing of the program stands for an object until its library is open.
	p.atOnce = e.starts || slices.ContainsFunc(missing, func(name string) bool { return late.isObject(name) && !late.ahead[name] })
	if p.fixups, err = bindLater(p.object, late.isObject); err != nil {
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

// hardenedLink are the linker's arguments for what the distribution's PHP has, too: what the loader binds is read-only before the program
// starts. Addresses that depend on where the program is are a bitmap, of some 30 KB: of the ordinary kind they are 2 MB to read.
var hardenedLink = []string{"-z", "relro", "-z", "now", "-z", "pack-relative-relocs"}

// inside makes the objects of an engine that is a part of the program, and the arguments by which the program is linked to them.
func (w *work) inside(log *os.File) error {
	dir := filepath.Join(w.result, "parts")
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return err
	}
	php, apart, err := w.phpObject(log, dir)
	if err != nil {
		return err
	}
	libraries, err := w.libraries()
	if err != nil {
		return err
	}
	libraries = slices.DeleteFunc(libraries, func(library string) bool { return slices.Contains(lateCore, library) })
	late, err := newLateTable(apart)
	if err != nil {
		return err
	}
	if err := late.bindCore(php); err != nil {
		return err
	}
	known, err := w.known(php, libraries)
	if err != nil {
		return err
	}
	var parts []part
	objects := append([]string{php}, apart...)
	for _, e := range w.extensions {
		p, err := w.partOf(log, dir, e, known, late)
		if err != nil {
			return err
		}
		parts, objects = append(parts, p), append(objects, p.object)
	}
	list, err := w.compileList(log, dir, parts, late)
	if err != nil {
		return err
	}
	arguments := slices.Concat(hardenedLink, []string{"--export-dynamic"}, objects, []string{list}) // extensions that are files find PHP in the program
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

// compileList makes the object of the tables that the C of lifecycle/engine reads.
func (w *work) compileList(log *os.File, dir string, parts []part, late *lateTable) (string, error) {
	licenses, err := w.licenses()
	if err != nil {
		return "", err
	}
	facts, err := w.facts(log)
	if err != nil {
		return "", err
	}
	list, object := filepath.Join(dir, "list.c"), filepath.Join(dir, "list.o")
	text := insideList(parts, late) + late.list() + facts + licenseText(licenses)
	if err := os.WriteFile(list, []byte(text), 0o644); err != nil {
		return "", err
	}
	return object, execute(log, w.root, nil, "cc", "-O2", "-I"+filepath.Join(w.root, "lifecycle", "engine"), "-c", "-o", object, list)
}

// apartFromPHP are the files of lifecycle/engine in which dlopen is the loader's.
var apartFromPHP = []string{"php_late.o", "php_ahead.o"}

// phpObject makes one object of PHP and of what phpsapi calls it by, and returns those of apartFromPHP, too. PHP's own calls of the loader
// go to php_inside.c.
func (w *work) phpObject(log *os.File, dir string) (object string, apart []string, err error) {
	l := output{dir: dir, flags: "-DENGINE_INSIDE", joined: w.profile}
	if w.profile {
		l.flags += " " + trained
	}
	contract, err := w.compileContract(log, l)
	if err != nil {
		return "", nil, err
	}
	contract = slices.DeleteFunc(contract, func(name string) bool {
		if !slices.Contains(apartFromPHP, filepath.Base(name)) {
			return false
		}
		apart = append(apart, name)
		return true
	})
	objects, err := w.objects(l.joined)
	if err != nil {
		return "", nil, err
	}
	list, object := filepath.Join(dir, "objects"), filepath.Join(dir, "php.o")
	if err := os.WriteFile(list, []byte(strings.Join(append(contract, objects...), "\n")+"\n"), 0o644); err != nil {
		return "", nil, err
	}
	if err := execute(log, w.root, nil, "ld", "-r", "--wrap=dlopen", "--wrap=dlsym", "--wrap=dlclose", "--wrap=dlerror", "--wrap=_php_stream_temp_create_ex", "-o", object, "@"+list); err != nil {
		return "", nil, err
	}
	for i, name := range apart {
		apart[i] = filepath.Join(dir, filepath.Base(name))
		if err := execute(log, w.root, nil, "cp", name, apart[i]); err != nil {
			return "", nil, err
		}
	}
	return object, apart, execute(log, w.root, nil, "objcopy", "--localize-hidden", "--localize-symbol=phpsapi_engine", object)
}

// known returns the symbols that are there when the program has started: PHP's, and those of the libraries that it is linked to.
func (w *work) known(php string, libraries []string) (map[string]bool, error) {
	known := map[string]bool{"_GLOBAL_OFFSET_TABLE_": true}
	add := func(symbols map[string]bool, err error) error {
		for name := range symbols {
			known[name] = true
		}
		return err
	}
	if err := add(defined(php)); err != nil {
		return nil, err
	}
	for _, library := range append([]string{"-lc", "-lgcc_s"}, libraries...) {
		if !strings.HasPrefix(library, "-l") {
			continue
		}
		shared, err := sharedLibrary(library)
		if err != nil {
			return nil, err
		}
		add(shared.symbols, nil)
	}
	for _, e := range w.extensions {
		objects, err := w.extensionObjects(e)
		if err != nil {
			return nil, err
		}
		for _, object := range objects {
			if err := add(defined(object)); err != nil {
				return nil, err
			}
		}
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
