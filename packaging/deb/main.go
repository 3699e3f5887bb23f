// Command deb makes a Debian package of a program phpsapi that was built.
//
//	go run ./packaging/deb -program FILE -version VERSION -o DIRECTORY
//
// The package of a program with PHP 8.2 inside is called phpsapi-php8.2, that of a program without PHP phpsapi. Besides the program it has
// the files of the directory files, and what the program prints about itself: manual pages, completions for shells, copyright, and the list of
// what the program contains (SPDX). The command needs dpkg-deb and dpkg-shlibdeps, and prints the name of the file that it has made.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A product is what is packaged.
type product struct {
	program  string
	name     string
	version  string // the package's
	arch     string // as Debian calls it
	engines  []string
	inside   bool      // PHP is in the program
	date     time.Time // of all that is in the package
	depends  []string
	licenses licenses
}

func main() {
	program := flag.String("program", "phpsapi", "the program: a `file`")
	version := flag.String("version", "unknown", "as git describe prints it")
	out := flag.String("o", "build", "the `directory` for the package")
	flag.Parse()
	name, err := run(*program, *version, *out)
	if err != nil {
		fmt.Fprintln(os.Stderr, "packaging/deb:", err)
		os.Exit(1)
	}
	fmt.Println(name)
}

func run(program, version, out string) (string, error) {
	program, err := filepath.Abs(program)
	if err != nil {
		return "", err
	}
	p := &product{program: program, date: epoch(os.Getenv("SOURCE_DATE_EPOCH"))}
	p.version = debianVersion(version, p.date)
	if err := p.ask(); err != nil {
		return "", err
	}
	if p.depends, err = p.dependencies(); err != nil {
		return "", err
	}
	root, err := os.MkdirTemp("", "phpsapi-deb-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(root)
	if err := p.fill(root); err != nil {
		return "", err
	}
	file := filepath.Join(out, fmt.Sprintf("%s_%s_%s.deb", p.name, p.version, p.arch))
	build := exec.Command("dpkg-deb", "--root-owner-group", "--build", root, file)
	build.Env = append(os.Environ(), "SOURCE_DATE_EPOCH="+strconv.FormatInt(p.date.Unix(), 10))
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("dpkg-deb: %w\n%s", err, said)
	}
	return file, nil
}

// epoch returns the time that is meant by seconds since 1970, or now.
func epoch(seconds string) time.Time {
	if n, err := strconv.ParseInt(seconds, 10, 64); err == nil {
		return time.Unix(n, 0).UTC()
	}
	return time.Now().UTC()
}

var isRelease = regexp.MustCompile(`^v?([0-9].*)$`)

// debianVersion returns the version of a package for a version of git's. Later commits have greater ones.
func debianVersion(described string, date time.Time) string {
	described = strings.NewReplacer("-", "+", "_", "+").Replace(described)
	if release := isRelease.FindStringSubmatch(described); release != nil && strings.Contains(described, ".") {
		return release[1] + "-1"
	}
	return "0~git" + date.Format("20060102.150405") + "." + described + "-1"
}

// ask has the program say what it contains.
func (p *product) ask() error {
	out, err := exec.Command(p.program, "version", "--licenses").Output()
	if err != nil {
		return fmt.Errorf("%s version --licenses: %w", p.program, err)
	}
	if p.licenses, err = readLicenses(string(out)); err != nil {
		return err
	}
	if out, err = exec.Command(p.program, "version").Output(); err != nil {
		return fmt.Errorf("%s version: %w", p.program, err)
	}
	p.engines = builtWith(string(out))
	if len(p.engines) == 0 {
		return errors.New("the program has no engine: make engines, and build it again")
	}
	p.name = "phpsapi"
	for _, part := range p.licenses {
		if strings.HasPrefix(part.name, "PHP ") {
			p.inside, p.name = true, "phpsapi-php"+p.engines[0]
		}
	}
	arch, err := exec.Command("dpkg", "--print-architecture").Output()
	p.arch = strings.TrimSpace(string(arch))
	return err
}

var isBuiltWith = regexp.MustCompile(`(?m)^built with PHP ([0-9]+\.[0-9]+)\.`)

// builtWith returns the versions of PHP whose engines are in the program, by what `phpsapi version` prints.
func builtWith(text string) (all []string) {
	for _, m := range isBuiltWith.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

// dependencies returns what the package needs: libraries, as dpkg-shlibdeps finds them, and a libphp.
func (p *product) dependencies() ([]string, error) {
	dir, err := os.MkdirTemp("", "phpsapi-deb-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := put(dir, "debian/control", []byte("Source: phpsapi\n\nPackage: phpsapi\nArchitecture: any\n"), 0o644, p.date); err != nil {
		return nil, err
	}
	find := exec.Command("dpkg-shlibdeps", "-O", p.program)
	find.Dir = dir
	out, err := find.Output()
	if err != nil {
		return nil, fmt.Errorf("dpkg-shlibdeps: %w", err)
	}
	var all []string
	for line := range strings.Lines(string(out)) {
		if list, is := strings.CutPrefix(line, "shlibs:Depends="); is {
			all = strings.Split(strings.TrimSpace(list), ", ")
		}
	}
	if !p.inside {
		var any []string
		for _, php := range p.engines {
			any = append(any, "libphp"+php+"-embed")
		}
		all = append(all, strings.Join(any, " | "))
	}
	return all, nil
}
