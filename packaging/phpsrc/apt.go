// Package phpsrc has php-src at hand: its archive, from Debian's source
// package of the machine's PHP, and the parts of it that the tests and the
// benchmarks run.
package phpsrc

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/phpsapi/phpsapi/sapi/engines"
)

// A Source is php-src as a source package of Debian's has it.
type Source struct {
	Archive string // the path of its archive
	Release string // such as 8.2.32
}

// Where apt has no source package of a PHP, as of a security update that it
// has the programs of alone, php-src is that of Debian 12: most of its tests
// hold with any PHP.
const (
	commonVersion = "8.2"
	commonDebian  = "bookworm"
)

// Fetch makes sure that an archive of php-src is in dir: one of the PHP version
// such as 8.4, the release that the machine has if apt has its source, else
// the newest that apt has, else one of 8.2. It asks apt, first as the machine
// is set up, then with a private configuration that adds the source packages
// of the archives which the machine's own lists name. /etc/apt stays as it is.
func Fetch(dir, version string) (Source, error) {
	if source, ok := cached(dir, version); ok {
		return source, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Source{}, err
	}
	var failures []string
	for _, try := range []struct{ version, debian, what string }{
		{version, "", "as the machine is set up"},
		{version, codename(), "with source packages added to the machine's own lists"},
		{commonVersion, commonDebian, "with those of " + commonDebian},
	} {
		var options []string
		err := error(nil)
		if try.debian != "" {
			if try.version != version {
				if source, ok := cached(dir, try.version); ok {
					return source, nil
				}
			}
			if options, err = privateApt(filepath.Join(dir, "apt-"+try.debian), try.debian); err == nil {
				err = aptGet(dir, append(options, "update")...)
			}
		}
		if err == nil {
			err = download(dir, try.version, options)
		}
		if source, ok := cached(dir, try.version); ok && err == nil {
			return source, nil
		}
		failures = append(failures, fmt.Sprintf("  php%s, %s: %v", try.version, try.what, err))
	}
	return Source{}, fmt.Errorf("php-src comes from Debian's source packages, and none can be had:\n%s\n"+
		"put a php%s_RELEASE.orig.tar.xz into %s to do without", strings.Join(failures, "\n"), version, dir)
}

// cached is the newest archive of a version in dir.
func cached(dir, version string) (newest Source, found bool) {
	archives, _ := filepath.Glob(filepath.Join(dir, "php"+version+"_*.orig.tar.xz"))
	for _, archive := range archives {
		release := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(archive), "php"+version+"_"), ".orig.tar.xz")
		if !found || engines.Compare(newest.Release, release) < 0 {
			newest, found = Source{archive, release}, true
		}
	}
	return newest, found
}

// download brings a source package of a version into dir.
func download(dir, version string, options []string) error {
	listed, err := exec.Command("apt-cache", append(options, "showsrc", "--only-source", "php"+version)...).Output()
	if err != nil {
		return fmt.Errorf("apt-cache: %w", err)
	}
	installed, _ := exec.Command("dpkg-query", "-W", "-f=${source:Version}", "php"+version+"-cli").Output()
	err = fmt.Errorf("apt-cache knows no source package of php%s", version)
	for _, candidate := range candidates(string(listed), string(installed)) {
		if err = aptGet(dir, append(options, "source", "--download-only", "php"+version+"="+candidate)...); err == nil {
			return nil
		}
	}
	return err
}

var versionField = regexp.MustCompile(`(?m)^Version: (.*)$`)

// candidates are the versions of source packages in what apt-cache says, the
// one that is installed first, then those that apt has listed last.
func candidates(listed, installed string) (versions []string) {
	for _, match := range versionField.FindAllStringSubmatch(listed, -1) {
		if !slices.Contains(versions, match[1]) {
			versions = append(versions, match[1])
		}
	}
	slices.Reverse(versions)
	if i := slices.Index(versions, installed); i > 0 {
		versions = slices.Insert(slices.Delete(versions, i, i+1), 0, installed)
	}
	return versions
}

// codename is what this Debian is called, such as bookworm.
func codename() string {
	text, _ := os.ReadFile("/etc/os-release")
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "VERSION_CODENAME="); ok {
			return name
		}
	}
	return "debian"
}

// Unpack takes parts of php-src out of its archive, into dir.
func (s Source) Unpack(dir string, parts ...string) error {
	args := []string{"-xJf", s.Archive, "-C", dir, "--strip-components=1", "--no-same-owner", "--wildcards"}
	for _, part := range parts {
		args = append(args, "php-"+s.Release+"/"+part)
	}
	if said, err := exec.Command("tar", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("tar: %w: %s", err, strings.TrimSpace(string(said)))
	}
	return nil
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
// machine's lists for a release of Debian, and returns the options that make
// apt-get use those and keep its state in dir.
func privateApt(dir, debian string) ([]string, error) {
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
		if err := os.WriteFile(private, []byte(strings.ReplaceAll(convert(string(text)), codename(), debian)), 0o644); err != nil {
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
