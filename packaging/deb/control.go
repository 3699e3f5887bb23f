package main

import (
	"crypto/md5"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maintainer is who makes the packages.
const maintainer = "phpsapi packagers <packages@phpsapi.invalid>"

const description = `runs PHP as php, php-cgi and php-fpm do
 phpsapi is one program that runs PHP in all three ways: as a command line, as
 a CGI program and as a FastCGI server, with the options, configuration, log
 lines, signals and exit codes of php, php-cgi and php-fpm. It speaks HTTP, too.
 A reload loses no request and leaves the old configuration serving if the new
 one cannot; idle connections occupy no worker.
 .
 `

// control writes what dpkg has to know of a tree, which is complete.
func (p *product) control(root string) error {
	var size int64
	var conffiles, sums []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, root)
		info, err := entry.Info()
		if err != nil || strings.HasPrefix(name, "/DEBIAN") {
			return err
		}
		if entry.Type().IsRegular() {
			size += (info.Size() + 1023) / 1024
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			sums = append(sums, fmt.Sprintf("%x  %s", md5.Sum(content), name[1:]))
			if strings.HasPrefix(name, "/etc/") {
				conffiles = append(conffiles, name)
			}
		} else {
			size++
		}
		return nil
	})
	if err != nil {
		return err
	}
	for name, lines := range map[string][]string{"conffiles": conffiles, "md5sums": sums} { // in the order of the walk
		if err := put(root, "DEBIAN/"+name, []byte(strings.Join(lines, "\n")+"\n"), 0o644, p.date); err != nil {
			return err
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Package: %s\nSource: phpsapi\nVersion: %s\nArchitecture: %s\nMaintainer: %s\nInstalled-Size: %d\n", p.name, p.version, p.arch,
		maintainer, size)
	fmt.Fprintf(&b, "Depends: %s\n", strings.Join(p.depends, ", "))
	php := "The Zend Engine is that of the distribution's libphp, with its extensions."
	if p.inside {
		b.WriteString("Recommends: libargon2-1, libsodium23, libssl3, libxml2\nProvides: phpsapi\nConflicts: phpsapi\nReplaces: phpsapi\n")
		php = "PHP " + p.engines[0] + " and its extensions are in the program."
	}
	fmt.Fprintf(&b, "Suggests: php%s-fpm, php%[1]s-opcache\nSection: php\nPriority: optional\nHomepage: https://github.com/phpsapi/phpsapi\n", p.engines[0])
	fmt.Fprintf(&b, "Description: %s%s\n", description, php)
	return os.WriteFile(filepath.Join(root, "DEBIAN/control"), []byte(b.String()), 0o644)
}

// copyright returns the file of that name: phpsapi's own licence and those of all that is in the program.
func (p *product) copyright() ([]byte, error) {
	var b strings.Builder
	b.WriteString("phpsapi: https://github.com/phpsapi/phpsapi\n\nCopyright: the authors of phpsapi\nLicense: Apache License, version 2.0, which on Debian systems is in\n" +
		commonApache + ".\n\nThe program contains what follows, each with its licence.\n")
	for _, part := range p.licenses {
		fmt.Fprintf(&b, "\n==== %s\n\n%s\n", part.name, withoutApache(part.text))
	}
	return []byte(b.String()), nil
}

const commonApache = "/usr/share/common-licenses/Apache-2.0"

// withoutApache has a reference in place of the text of the Apache License, which Debian's systems have.
func withoutApache(text string) string {
	before, rest, found := strings.Cut(text, "Apache License\n")
	_, after, complete := strings.Cut(rest, "any such warranty or additional liability.")
	if !found || !complete {
		return text
	}
	if appendix, others, is := strings.Cut(after, "limitations under the License."); is && strings.Contains(appendix, "APPENDIX") {
		after = others
	}
	return strings.TrimSpace(strings.TrimSpace(before) + "\n\nApache License, version 2.0: " + commonApache + "\n\n" + strings.TrimSpace(after))
}
