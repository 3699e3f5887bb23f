// Package phpsrc has php-src at hand: its archive, from Debian's source
// package, and the parts of it that the tests and the benchmarks run.
package phpsrc

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// sourceVersion is the version of Debian's source package.
const sourceVersion = "8.2.32-1~deb12u1"

// originalArchive is the file of that source package that holds php-src, below
// the directory originalRoot.
const (
	originalArchive = "php8.2_8.2.32.orig.tar.xz"
	originalRoot    = "php-8.2.32"
)

// Fetch makes sure that php-src's archive is in dir and returns its path.
// It asks apt, first as the machine is set up, then with a private
// configuration that adds the source packages of the archives which the
// machine's own lists name. /etc/apt stays as it is.
func Fetch(dir string) (string, error) {
	archive := filepath.Join(dir, originalArchive)
	if _, err := os.Stat(archive); err == nil {
		return archive, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return "", fmt.Errorf("php-src comes from Debian's source package php8.2=%s, "+
			"and there is no apt-get here; put %s into %s", sourceVersion, originalArchive, dir)
	}
	first := aptGetSource(dir)
	if first == nil {
		return archive, nil
	}
	options, err := privateApt(filepath.Join(dir, "apt"))
	if err == nil {
		if err = aptGet(dir, append(options, "update")...); err == nil {
			err = aptGetSource(dir, options...)
		}
	}
	if err != nil {
		return "", fmt.Errorf("php-src comes from Debian's source package php8.2=%s, and it cannot be had:\n"+
			"  %v\n  with source packages added to the machine's own lists: %v\n"+
			"put %s into %s to do without", sourceVersion, first, err, originalArchive, dir)
	}
	return archive, nil
}

// Unpack takes parts of php-src out of its archive, into dir.
func Unpack(archive, dir string, parts ...string) error {
	args := []string{"-xJf", archive, "-C", dir, "--strip-components=1", "--no-same-owner", "--wildcards"}
	for _, part := range parts {
		args = append(args, originalRoot+"/"+part)
	}
	if said, err := exec.Command("tar", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("tar: %w: %s", err, strings.TrimSpace(string(said)))
	}
	return nil
}

// aptGetSource downloads the source package into dir.
func aptGetSource(dir string, options ...string) error {
	return aptGet(dir, append(options, "source", "--download-only", "php8.2="+sourceVersion)...)
}

// aptGet runs apt-get in dir. Its error is what apt-get said that begins E:,
// or all of it.
func aptGet(dir string, args ...string) error {
	cmd := exec.Command("apt-get", append([]string{"-q"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	output, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	var said []string
	for line := range strings.Lines(string(output)) {
		if text, ok := strings.CutPrefix(line, "E: "); ok {
			said = append(said, strings.TrimSpace(text))
		}
	}
	if said == nil {
		said = append(said, strings.TrimSpace(string(output)))
	}
	return fmt.Errorf("apt-get: %s (%w)", strings.Join(said, "; "), err)
}

// privateApt writes lists of source packages into dir, derived from the
// machine's lists, and returns the options that make apt-get use those and
// keep its state in dir.
func privateApt(dir string) ([]string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	parts := filepath.Join(dir, "sources.list.d")
	for _, d := range []string{parts, filepath.Join(dir, "lists", "partial")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, err
		}
	}
	lists, _ := filepath.Glob("/etc/apt/sources.list.d/*.list")
	stanzas, _ := filepath.Glob("/etc/apt/sources.list.d/*.sources")
	for _, name := range append(append(lists, stanzas...), "/etc/apt/sources.list") {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		convert := sourceLines
		if strings.HasSuffix(name, ".sources") {
			convert = sourceStanzas
		}
		private := filepath.Join(parts, filepath.Base(name))
		if err := os.WriteFile(private, []byte(convert(string(text))), 0o644); err != nil {
			return nil, err
		}
	}
	return []string{
		"-o", "Dir::Etc::SourceList=/dev/null",
		"-o", "Dir::Etc::SourceParts=" + parts,
		"-o", "Dir::State::Lists=" + filepath.Join(dir, "lists"),
		"-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=",
	}, nil
}

// sourceLines turns the deb lines of a sources.list into deb-src lines and
// drops the rest.
func sourceLines(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		kind, rest, _ := strings.Cut(strings.ReplaceAll(line, "\t", " "), " ")
		if kind == "deb" {
			b.WriteString("deb-src " + strings.TrimSpace(rest) + "\n")
		}
	}
	return b.String()
}

// sourceStanzas makes every stanza of a deb822 file one of source packages.
func sourceStanzas(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if name, _, ok := strings.Cut(line, ":"); ok && strings.EqualFold(name, "Types") {
			line = "Types: deb-src\n"
		}
		b.WriteString(line)
	}
	return b.String()
}
