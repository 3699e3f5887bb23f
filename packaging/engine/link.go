package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// An output is where an engine goes, and with which flags it is linked.
type output struct {
	dir    string // where it goes
	flags  string // those that PHP was compiled with
	joined bool   // join has made one object of most of PHP's
}

// link makes the engine that is left.
func (w *work) link(log *os.File) error {
	flags := ""
	if w.profile {
		flags = trained
	}
	if err := w.linkEngine(log, output{dir: w.result, flags: flags, joined: w.profile}); err != nil {
		return err
	}
	return w.strip(log)
}

// linkEngine makes engine.so and the directory of extensions.
func (w *work) linkEngine(log *os.File, l output) error {
	if err := os.RemoveAll(l.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(l.dir, "extensions"), 0o755); err != nil {
		return err
	}
	objects, err := w.compileContract(log, l)
	if err != nil {
		return err
	}
	libraries, err := w.libraries()
	if err != nil {
		return err
	}
	php, err := w.objects(l.joined)
	if err != nil {
		return err
	}
	list := filepath.Join(w.dir, "objects")
	if err := os.WriteFile(list, []byte(strings.Join(append(objects, php...), "\n")+"\n"), 0o644); err != nil {
		return err
	}
	arguments := append(strings.Fields(cflags+" "+l.flags), "-shared", "-Wl,-Bsymbolic", "-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,defs", "-Wl,--wrap=dlopen", "-Wl,--wrap=_php_stream_temp_create_ex",
		"-Wl,-soname,phpsapi-engine-"+w.release, "-o", filepath.Join(l.dir, "engine.so"), "@"+list)
	if err := execute(log, w.root, nil, "cc", append(arguments, libraries...)...); err != nil {
		return err
	}
	for _, e := range w.extensions {
		if err := execute(log, w.root, nil, "cp", filepath.Join(w.src(), "modules", e.name+".so"), filepath.Join(l.dir, "extensions")); err != nil {
			return err
		}
	}
	return nil
}

// compileContract compiles lifecycle/engine against PHP's headers, with the flags of PHP, and returns the objects.
func (w *work) compileContract(log *os.File, l output) (objects []string, err error) {
	sources, _ := filepath.Glob(filepath.Join(w.root, "lifecycle", "engine", "*.c"))
	out := filepath.Join(w.dir, "contract")
	if err := os.MkdirAll(out, 0o755); err != nil {
		return nil, err
	}
	flags := strings.Fields(cflags + " " + l.flags + " -D_GNU_SOURCE -DENGINE_WITH_PHP")
	for _, dir := range []string{"", "main", "TSRM", "Zend", "ext"} {
		flags = append(flags, "-I"+filepath.Join(w.src(), dir))
	}
	flags = append(flags, "-I"+filepath.Join(w.root, "lifecycle"))
	for _, source := range sources {
		object := filepath.Join(out, strings.TrimSuffix(filepath.Base(source), ".c")+".o")
		if err := execute(log, w.root, nil, "cc", append(flags, "-c", "-o", object, source)...); err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
	return objects, nil
}

// variable returns a variable of PHP's Makefile.
func (w *work) variable(name string) (string, error) {
	text, err := os.ReadFile(filepath.Join(w.src(), "Makefile"))
	if err != nil {
		return "", err
	}
	match := regexp.MustCompile(`(?m)^` + name + ` = (.*)$`).FindSubmatch(text)
	if match == nil {
		return "", fmt.Errorf("PHP's Makefile has no variable %s", name)
	}
	return string(match[1]), nil
}

// libraries returns the system's libraries that PHP itself needs, as the linker is told of them.
func (w *work) libraries() ([]string, error) {
	text, err := w.variable("EXTRA_LIBS")
	if err != nil {
		return nil, err
	}
	libraries := []string{"-Wl,--as-needed"}
	for _, field := range strings.Fields(text) {
		if strings.HasPrefix(field, "-l") {
			libraries = append(libraries, field)
		}
	}
	return libraries, nil
}

// objects returns PHP's objects, without the SAPI's own: phpsapi is the SAPI. joined says that most of them have become one.
func (w *work) objects(joined bool) ([]string, error) {
	if joined {
		objects, err := w.libtoolObjects(strings.Join(notJoined, " "))
		return append(objects, w.joined()), err
	}
	names, err := w.phpObjects()
	if err != nil {
		return nil, err
	}
	return w.libtoolObjects(strings.Join(names, " "))
}

// phpObjects returns the objects of PHP by libtool's names, which are targets of PHP's Makefile.
func (w *work) phpObjects() ([]string, error) {
	text, err := w.variable("PHP_GLOBAL_OBJS")
	return append(strings.Fields(text), "main/internal_functions.lo"), err
}

// libtoolObjects returns the objects that a list of libtool's names stands for.
func (w *work) libtoolObjects(list string) (objects []string, err error) {
	for _, field := range strings.Fields(list) {
		dir, file := filepath.Split(field)
		object := filepath.Join(w.src(), dir, ".libs", strings.TrimSuffix(file, ".lo")+".o")
		if !exists(object) {
			return nil, fmt.Errorf("PHP's Makefile names %s, and %s is not there", field, object)
		}
		objects = append(objects, object)
	}
	return objects, nil
}

// strip leaves out of the files what only debuggers and linkers read.
func (w *work) strip(log *os.File) error {
	names, _ := filepath.Glob(filepath.Join(w.result, "extensions", "*.so"))
	return execute(log, w.root, nil, "strip", append([]string{"--strip-unneeded", filepath.Join(w.result, "engine.so")}, names...)...)
}

// compiler returns the first line of what the compiler says of itself.
func compiler() string {
	text, _ := exec.Command("cc", "--version").Output()
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}
