// Command licenses prints the licences of all that go build links into phpsapi: of Go's standard library, and of each module.
//
//	go run ./packaging/licenses >cmd/licenses/licenses.txt
//
// phpsapi version --licenses prints that file. A test fails if it is not what this program prints.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func main() {
	text, err := licenses(".")
	if err == nil {
		_, err = io.WriteString(os.Stdout, text)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "packaging/licenses:", err)
		os.Exit(1)
	}
}

// A module is a part of the program that others have written.
type module struct{ name, dir string }

// licenses returns the licences of what the program in a directory is made of.
func licenses(dir string) (string, error) {
	modules, err := linked(dir)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	text.WriteString("phpsapi contains what follows, each with its licence. phpsapi's own is the file LICENSE of its sources.\n")
	for _, m := range modules {
		files, err := licenseFiles(m.dir)
		if err != nil {
			return "", fmt.Errorf("%s: %w", m.name, err)
		}
		fmt.Fprintf(&text, "\n==== %s\n", m.name)
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&text, "\n%s\n", bytes.TrimSpace(content))
		}
	}
	return text.String(), nil
}

// goAuthors is a module by the authors of Go, with the licence that its standard library has. Distributions leave that one out of Go's
// own directory.
const goAuthors = "golang.org/x/sys "

// linked returns Go's standard library, without its version, and the modules that packages of the program come from.
func linked(dir string) ([]module, error) {
	var modules []module
	list, err := run(dir, "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}{{end}}", ".")
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSpace(list), "\n")
	slices.Sort(lines)
	for _, line := range slices.Compact(lines) {
		if name, dir, ok := strings.Cut(line, "\t"); ok {
			modules = append(modules, module{name, dir})
			if strings.HasPrefix(name, goAuthors) {
				modules = append(modules, module{"Go's standard library and runtime", dir})
			}
		}
	}
	return modules, nil
}

func run(dir string, args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	output, err := cmd.Output()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		return "", fmt.Errorf("go %s: %w: %s", args[0], err, failed.Stderr)
	}
	return string(output), err
}

var isLicense = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)(\.(txt|md|rst))?$`)

// licenseFiles returns the files of a directory that are licences. It returns an error if there are none.
func licenseFiles(dir string) (files []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if isLicense.MatchString(entry.Name()) {
			files = append(files, filepath.Join(dir, entry.Name()))
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s has no file of its licence", dir)
	}
	return files, nil
}
