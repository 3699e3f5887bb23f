package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// lateCore are the libraries of PHP itself that the program opens when something of them is called. Most scripts call none of them, and
// opening them takes a third of the time of a start without extensions. lifecycle/engine/php_ahead.c answers what PHP asks of them at
// every start.
var lateCore = []string{"-lxml2", "-lssl", "-lcrypto", "-largon2", "-lsodium", "-lstdc++"}

// mostLibraries is how many libraries can be bound late.
const mostLibraries = 64

// A lateTable is what the program binds late (lifecycle/engine/php_late.h).
type lateTable struct {
	libraries []sharedObject
	functions []lateSymbol
	objects   []lateSymbol
	places    map[string]int  // of objects in the list objects, of functions -1
	ahead     map[string]bool // what lifecycle/engine/php_ahead.c answers
}

// A lateSymbol is a function or an object of a library.
type lateSymbol struct {
	name    string
	library int
}

// newLateTable returns an empty table. objects are those of lifecycle/engine that define ahead_NAME.
func newLateTable(objects []string) (*lateTable, error) {
	t := &lateTable{places: map[string]int{}, ahead: map[string]bool{}}
	for _, object := range objects {
		symbols, err := defined(object)
		if err != nil {
			return nil, err
		}
		for symbol := range symbols {
			if name, ok := strings.CutPrefix(symbol, "ahead_"); ok {
				t.ahead[name] = true
			}
		}
	}
	return t, nil
}

// isObject reports whether a symbol is in the table and is an object of a library.
func (t *lateTable) isObject(name string) bool {
	place, has := t.places[name]
	return has && place >= 0
}

// library returns the place of a library, which the linker is told of by an argument.
func (t *lateTable) library(argument string) (int, error) {
	shared, err := sharedLibrary(argument)
	if err != nil {
		return 0, err
	}
	i := slices.IndexFunc(t.libraries, func(l sharedObject) bool { return l.name == shared.name })
	if i < 0 && len(t.libraries) == mostLibraries {
		return 0, fmt.Errorf("there are more than %d libraries (MOST_LIBRARIES in lifecycle/engine/php_late.c)", mostLibraries)
	}
	if i < 0 {
		i, t.libraries = len(t.libraries), append(t.libraries, shared)
	}
	return i, nil
}

// add enters symbols, each of which is in one of the libraries of the linker's arguments, and returns the places of the libraries that
// have some. It returns an error if one is in none.
func (t *lateTable) add(symbols, arguments []string) (libraries []int, err error) {
	rest := slices.Clone(symbols)
	for _, argument := range arguments {
		if !strings.HasPrefix(argument, "-l") || len(rest) == 0 {
			continue
		}
		i, err := t.library(argument)
		if err != nil {
			return nil, err
		}
		before := len(rest)
		rest = slices.DeleteFunc(rest, func(name string) bool {
			object, has := t.libraries[i].symbols[name]
			if has {
				t.enter(lateSymbol{name, i}, object)
			}
			return has
		})
		if len(rest) < before && !slices.Contains(libraries, i) {
			libraries = append(libraries, i)
		}
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("it refers to symbols that are in no library of %q: %v", arguments, rest)
	}
	return libraries, nil
}

func (t *lateTable) enter(s lateSymbol, object bool) {
	if _, has := t.places[s.name]; has {
		return
	}
	if object {
		t.places[s.name], t.objects = len(t.objects), append(t.objects, s)
		return
	}
	t.places[s.name], t.functions = -1, append(t.functions, s)
}

// bindCore enters what PHP itself refers to in lateCore, and has it refer to objects by variables.
func (t *lateTable) bindCore(php string) error {
	missing, err := undefined(php)
	if err != nil {
		return err
	}
	for _, argument := range lateCore {
		i, err := t.library(argument)
		if err != nil {
			return err
		}
		for _, name := range missing {
			if object, has := t.libraries[i].symbols[name]; has {
				if t.enter(lateSymbol{name, i}, object); object && !t.ahead[name] {
					return fmt.Errorf("PHP refers to %s of %s, for which nothing stands until that is open", name, t.libraries[i].name)
				}
			}
		}
	}
	fixups, err := bindLater(php, t.isObject)
	if err == nil && len(fixups) > 0 {
		err = fmt.Errorf("PHP's data have the address of %s", fixups[0].symbol)
	}
	return err
}

// list returns the C text of php_late.h's tables, and the stubs: a function of 16 bytes for each of the libraries', which jumps by its
// slot. What it jumps to at first pushes the function's number and continues to late_enter.
func (t *lateTable) list() string {
	var b strings.Builder
	for _, l := range t.libraries {
		if name := arrived(l.name); t.ahead[name] {
			fmt.Fprintf(&b, "const char *ahead_%s(void);\n", name)
		}
	}
	b.WriteString("#include <stddef.h>\n\nconst struct late_library late_libraries[] = {\n")
	for _, l := range t.libraries {
		hook := "0"
		if name := arrived(l.name); t.ahead[name] {
			hook = "ahead_" + name
		}
		pkg := "0"
		if l.pkg != "" {
			pkg = strconv.Quote(l.pkg)
		}
		fmt.Fprintf(&b, "\t{%q, %q, %s, %s},\n", l.name, l.file, pkg, hook)
	}
	fmt.Fprintf(&b, "\t{0},\n};\nconst char late_system[] = %q;\n", system())
	for _, table := range []struct {
		name    string
		symbols []lateSymbol
	}{{"late_functions", t.functions}, {"late_objects", t.objects}} {
		fmt.Fprintf(&b, "const struct late_symbol %s[] = {\n", table.name)
		for _, s := range table.symbols {
			fmt.Fprintf(&b, "\t{%q, %d},\n", s.name, s.library)
		}
		b.WriteString("\t{0},\n};\n")
	}
	for i, s := range t.objects {
		first := "0"
		if t.ahead[s.name] {
			first = "&ahead_" + s.name
			fmt.Fprintf(&b, "extern char ahead_%s __attribute__((visibility(\"hidden\")));\n", s.name)
		}
		fmt.Fprintf(&b, "void *late_object_%d __asm__(%q) __attribute__((visibility(\"hidden\"))) = %s;\n", i, s.name, first)
	}
	b.WriteString("void **const late_object_slots[] = {\n")
	for i := range t.objects {
		fmt.Fprintf(&b, "\t&late_object_%d,\n", i)
	}
	b.WriteString("\t0,\n};\n")
	t.stubs(&b)
	return b.String()
}

// arrived returns what php_ahead.c calls the function for a library that is open, without ahead_.
func arrived(library string) string {
	return "arrived_" + strings.NewReplacer(".", "_", "-", "_", "+", "_").Replace(filepath.Base(library))
}

func (t *lateTable) stubs(b *strings.Builder) {
	line := func(format string, values ...any) { fmt.Fprintf(b, "\t%q\n", fmt.Sprintf(format, values...)+"\n") }
	b.WriteString("__asm__(\n")
	line(".text")
	for i, s := range t.functions {
		line(".p2align 4")
		line(".globl %s", s.name)
		line(".hidden %s", s.name)
		line(".type %s, @function", s.name)
		line("%s: jmp *late_function_slots+%d(%%rip)", s.name, 8*i)
		line(".Llate_%d: pushq $%d", i, i)
		line("jmp late_enter")
		line(".size %s, . - %s", s.name, s.name)
	}
	line(".section .data.late,\"aw\",@progbits")
	line(".p2align 3")
	line(".globl late_function_slots")
	line(".hidden late_function_slots")
	line("late_function_slots:")
	for i, s := range t.functions {
		if t.ahead[s.name] {
			line(".quad ahead_%s", s.name)
		} else {
			line(".quad .Llate_%d", i)
		}
	}
	line(".text")
	b.WriteString(");\n")
}

// The program that asks the libraries what PHP asks them at each start.
const factsSource = `#include <libxml/parser.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <stdio.h>

#include "php_ahead.h"

int main(void)
{
	printf("const char ahead_fact_libxml_version[] = \"%s\";\n", xmlParserVersion);
	printf("const char ahead_fact_certificates[] = \"%s\";\n", X509_get_default_cert_area());
	printf("const char ahead_fact_sodium_version[] = \"%s\";\n", sodium_version_string());
#define X(type, name) printf("const " #type " ahead_fact_" #name " = %llu;\n", (unsigned long long)name());
	AHEAD_NUMBERS(X)
	return 0;
}
`

// facts returns the C text of what the libraries say of themselves.
func (w *work) facts(log *os.File) (string, error) {
	source, program := filepath.Join(w.dir, "facts.c"), filepath.Join(w.dir, "facts")
	if err := os.WriteFile(source, []byte(factsSource), 0o644); err != nil {
		return "", err
	}
	if err := execute(log, w.root, nil, "cc", "-o", program, source, "-I/usr/include/libxml2", "-I"+filepath.Join(w.root, "lifecycle", "engine"), "-lxml2", "-lcrypto", "-lsodium"); err != nil {
		return "", err
	}
	said, err := exec.Command(program).Output()
	if err != nil {
		err = fmt.Errorf("facts: %w", err)
	}
	return string(said), err
}
