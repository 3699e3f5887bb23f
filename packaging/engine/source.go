package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/phpsapi/phpsapi/packaging/phpsrc"
)

// src is where PHP is unpacked and compiled.
func (w *work) src() string { return filepath.Join(w.dir, "src") }

// findSource finds PHP's sources and their release.
func (w *work) findSource() error {
	if w.source == "" {
		source, err := phpsrc.Fetch(filepath.Join(w.root, "build", "php-src"), w.php)
		if err != nil {
			return err
		}
		if !strings.HasPrefix(source.Release, w.php+".") {
			return fmt.Errorf("there is no source package of PHP %s; name an archive of its sources with -source", w.php)
		}
		w.source, w.release, w.origin = source.Archive, source.Release, "the distribution's source package"
		return nil
	}
	var err error
	if w.source, err = filepath.Abs(w.source); err != nil {
		return err
	}
	w.origin = w.source
	text, err := w.versionHeader()
	if err != nil {
		return err
	}
	match := regexp.MustCompile(`#define PHP_VERSION "([0-9.]+[^"]*)"`).FindStringSubmatch(text)
	if match == nil {
		return fmt.Errorf("%s: main/php_version.h tells no PHP_VERSION", w.source)
	}
	if w.release = match[1]; !strings.HasPrefix(w.release, w.php+".") {
		return fmt.Errorf("%s is PHP %s, not %s", w.source, w.release, w.php)
	}
	return nil
}

// versionHeader returns the text of main/php_version.h of the source that was named.
func (w *work) versionHeader() (string, error) {
	info, err := os.Stat(w.source)
	if err != nil {
		return "", err
	}
	if info.IsDir() {
		text, err := os.ReadFile(filepath.Join(w.source, "main", "php_version.h"))
		return string(text), err
	}
	text, err := exec.Command("tar", "-xOf", w.source, "--wildcards", "*/main/php_version.h").Output()
	if err != nil {
		return "", fmt.Errorf("%s is not an archive of PHP's sources: it has no main/php_version.h", w.source)
	}
	return string(text), nil
}

// warn says if the distribution's PHP is newer than the sources: it may have security updates that they lack.
func (w *work) warn() {
	installed, err := exec.Command("dpkg-query", "-W", "-f=${source:Upstream-Version}", "libphp"+w.php+"-embed").Output()
	if err != nil {
		return
	}
	if err := exec.Command("dpkg", "--compare-versions", string(installed), "gt", w.release).Run(); err == nil {
		fmt.Printf("warning: the distribution's own PHP is %s, newer than these sources: it may have security updates that this engine lacks\n", installed)
	}
}

// unpack leaves the sources in src, with the distribution's patches.
func (w *work) unpack(log *os.File) error {
	if err := os.RemoveAll(w.src()); err != nil {
		return err
	}
	if err := os.MkdirAll(w.src(), 0o755); err != nil {
		return err
	}
	info, err := os.Stat(w.source)
	if err != nil {
		return err
	}
	if info.IsDir() {
		err = execute(log, w.root, nil, "cp", "-a", w.source+"/.", w.src())
	} else {
		err = execute(log, w.root, nil, "tar", "-xf", w.source, "-C", w.src(), "--strip-components=1", "--no-same-owner")
	}
	if patches, ok := strings.CutSuffix(w.source, ".orig.tar.xz"); ok && err == nil {
		err = w.patch(log, patches)
	}
	if err != nil {
		return err
	}
	for _, e := range edits {
		if err := w.edit(e.name, e.text, e.by); err != nil {
			return err
		}
	}
	return nil
}

// edits are the changes of PHP's sources, beside the distribution's patches, that any PHP gets.
var edits = []struct{ name, text, by string }{
	{"ext/gd/gd.c", gdFonts[0], gdFonts[1]},
	{"Zend/zend_alloc.c", hugePagesOf[0], hugePagesOf[1]},
	{"Zend/zend_alloc.c", hugePages[0], hugePages[1]},
	{"ext/standard/info.c", iniDirectory[0], iniDirectory[1]},
}

// timezone is a condition of PHP's startup, and what it becomes. The distribution's PHP reads the directory of all time zones, 1,100 system
// calls, to find out that UTC is one.
var timezone = [2]string{"if (new_value && !timelib", "if (new_value && strcasecmp(ZSTR_VAL(new_value), \"UTC\") != 0 && !timelib"}

// gdFonts has PHP ask libgd's functions for its fonts, in place of reading its variables: what is called can be bound late.
var gdFonts = [2]string{"#include \"gd_arginfo.h\"", "#include \"gd_arginfo.h\"\n" +
	"#define gdFontTiny gdFontGetTiny()\n#define gdFontSmall gdFontGetSmall()\n#define gdFontMediumBold gdFontGetMediumBold()\n" +
	"#define gdFontLarge gdFontGetLarge()\n#define gdFontGiant gdFontGetGiant()"}

// hugePages has PHP ask for huge pages for its memory behind the first block of 2 MB, where lifecycle/engine/php_pages.c wants it.
var hugePages = [2]string{"#endif\n\treturn zend_mm_chunk_alloc_int(size, alignment);", "#endif\n" +
	"\tvoid *memory = zend_mm_chunk_alloc_int(size, alignment);\n" +
	"\tif (memory && phpsapi_huge_pages) {\n\t\tzend_mm_hugepage(memory, size);\n\t}\n\treturn memory;"}

// hugePagesOf declares the variable of php_pages.c.
var hugePagesOf = [2]string{"static bool zend_mm_use_huge_pages = false;", "static bool zend_mm_use_huge_pages = false;\nextern int phpsapi_huge_pages;"}

// iniDirectory has phpinfo() show the directory of php.ini that the front end has, and not that of the embed SAPI.
var iniDirectory = [2]string{"#include \"credits.h\"", "#include \"credits.h\"\n" +
	"extern const char *phpsapi_ini_directory(void);\n#undef PHP_CONFIG_FILE_PATH\n#define PHP_CONFIG_FILE_PATH phpsapi_ini_directory()"}

// edit replaces a text that a source file has once.
func (w *work) edit(name, text, by string) error {
	path := filepath.Join(w.src(), name)
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if n := strings.Count(string(content), text); n != 1 {
		return fmt.Errorf("%s has %q %d times, not once", name, text, n)
	}
	return os.WriteFile(path, []byte(strings.Replace(string(content), text, by, 1)), 0o644)
}

// patch applies the distribution's patches, which stand in an archive beside the sources.
func (w *work) patch(log *os.File, prefix string) error {
	archives, _ := filepath.Glob(prefix + "*.debian.tar.xz")
	if len(archives) == 0 {
		return errors.New("the source package has no archive of patches: " + prefix + "*.debian.tar.xz")
	}
	if err := execute(log, w.root, nil, "tar", "-xf", archives[len(archives)-1], "-C", w.src(), "--no-same-owner"); err != nil {
		return err
	}
	series, err := os.ReadFile(filepath.Join(w.src(), "debian", "patches", "series"))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(series)) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "" || name[0] == '#' {
			continue
		}
		if err := execute(log, w.src(), nil, "patch", "-p1", "-s", "-i", "debian/patches/"+name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	// The distribution's own name for the API is a part of directories that an engine does not have.
	if err := w.edit("ext/date/php_date.c", timezone[0], timezone[1]); err != nil {
		return err
	}
	return execute(log, w.src(), nil, "sed", "-i", "s,/@DEBIAN_PHP_API@,,;s,@DEBIAN_PHP_API@,,", "scripts/php-config.in", "scripts/phpize.in")
}
