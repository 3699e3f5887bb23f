package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var isLicense = regexp.MustCompile(`(?i)^(licen[cs]e|copying)(\.(txt|md|rst))?$`)

// licenses returns the licences of PHP and of what its sources contain of others, for the parts that an engine has.
func (w *work) licenses() (string, error) {
	var text strings.Builder
	fmt.Fprintf(&text, "\n==== PHP %s\n", w.release)
	err := filepath.WalkDir(w.src()+"/", func(name string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !isLicense.MatchString(entry.Name()) {
			return err
		}
		part, _ := filepath.Rel(w.src(), filepath.Dir(name))
		if !w.contains(part) {
			return nil
		}
		content, err := os.ReadFile(name)
		fmt.Fprintf(&text, "\n---- %s\n\n%s\n", filepath.Join(part, entry.Name()), strings.TrimSpace(string(content)))
		return err
	})
	return text.String(), err
}

// contains reports whether a directory of PHP's sources is compiled into the engine or one of its extensions.
func (w *work) contains(dir string) bool {
	if !strings.HasPrefix(dir, "ext/") {
		return dir == "." || dir == "main" || strings.HasPrefix(dir, "Zend")
	}
	objects, _ := filepath.Glob(filepath.Join(w.src(), dir, ".libs", "*.o"))
	below, _ := filepath.Glob(filepath.Join(w.src(), dir, "*", ".libs", "*.o"))
	return len(objects)+len(below) > 0
}

// licenseText returns the text as a variable in C.
func licenseText(text string) string {
	var b strings.Builder
	b.WriteString("extern const char inside_licenses[];\nconst char inside_licenses[] =\n")
	for line := range strings.Lines(text) {
		line = strings.NewReplacer("\\", `\\`, "\"", `\"`, "\r", "", "\n", `\n`, "?", `\?`).Replace(line)
		fmt.Fprintf(&b, "\t\"%s\"\n", line)
	}
	b.WriteString("\t;\n")
	return b.String()
}
