package main

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"
	"time"
)

//go:embed files
var own embed.FS

// put writes a file of the package.
func put(root, name string, content []byte, mode os.FileMode, date time.Time) error {
	file := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(file, content, mode); err != nil {
		return err
	}
	if err := os.Chmod(file, mode); err != nil { // whatever the umask is
		return err
	}
	return os.Chtimes(file, date, date)
}

// compressed returns what gzip -9n makes of a text.
func compressed(text []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	w.Write(text)
	w.Close()
	return b.Bytes()
}

// places are where the files in the directory files belong. Those that are not here belong into DEBIAN.
var places = map[string]string{
	"phpsapi.service":    "usr/lib/systemd/system/phpsapi.service",
	"phpsapi.socket":     "usr/share/doc/NAME/examples/phpsapi.socket",
	"tmpfiles.conf":      "usr/lib/tmpfiles.d/phpsapi.conf",
	"logrotate":          "etc/logrotate.d/phpsapi",
	"php-fpm.conf":       "etc/phpsapi/fpm/php-fpm.conf",
	"www.conf":           "etc/phpsapi/fpm/pool.d/www.conf",
	"phpsapi.yaml":       "etc/phpsapi/fpm/phpsapi.yaml",
	"README.Debian":      "usr/share/doc/NAME/README.Debian",
	"lintian-overrides":  "usr/share/lintian/overrides/NAME",
	"php-fpm.service.in": "", // once for each PHP
}

// fill makes the package's tree in a directory.
func (p *product) fill(root string) error {
	doc := "usr/share/doc/" + p.name + "/"
	program, err := os.ReadFile(p.program)
	if err != nil {
		return err
	}
	files := map[string][]byte{}
	if err := p.ownFiles(files); err != nil {
		return err
	}
	if files[doc+"copyright"], err = p.copyright(); err != nil {
		return err
	}
	if files[doc+"phpsapi.spdx.json"], err = sbom(p); err != nil {
		return err
	}
	changes, err := os.ReadFile("CHANGELOG.md")
	if err != nil {
		return err
	}
	files[doc+"changelog.gz"] = compressed(changes)
	files[doc+"changelog.Debian.gz"] = compressed(fmt.Appendf(nil, "%s (%s) unstable; urgency=medium\n\n  * See changelog.gz.\n\n -- %s  %s\n",
		p.name, p.version, maintainer, p.date.Format(time.RFC1123Z)))
	if err := p.said(files); err != nil {
		return err
	}
	for name, content := range files {
		mode := os.FileMode(0o644)
		switch name {
		case "DEBIAN/postinst", "DEBIAN/prerm", "DEBIAN/postrm":
			mode = 0o755
		}
		if err := put(root, name, content, mode, p.date); err != nil {
			return err
		}
	}
	if err := put(root, "usr/bin/phpsapi", program, 0o755, p.date); err != nil {
		return err
	}
	if err := os.MkdirAll(root+"/usr/lib/phpsapi", 0o755); err != nil {
		return err
	}
	for _, name := range []string{"php", "php-cgi", "php-fpm"} {
		if err := os.Symlink("../../bin/phpsapi", root+"/usr/lib/phpsapi/"+name); err != nil {
			return err
		}
	}
	if err := os.Chmod(root, 0o755); err != nil {
		return err
	}
	return p.control(root)
}

// ownFiles adds the files of the directory files.
func (p *product) ownFiles(files map[string][]byte) error {
	return fs.WalkDir(own, "files", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := own.ReadFile(path)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, "files/")
		place, known := places[name]
		switch {
		case name == "php-fpm.service.in":
			for _, php := range p.engines {
				files["usr/share/phpsapi/php"+php+"-fpm.conf"] = bytes.ReplaceAll(text, []byte("VERSION"), []byte(php))
			}
			return nil
		case !known:
			place = "DEBIAN/" + name
		}
		filled, err := template.New(name).Parse(string(text))
		if err != nil {
			return err
		}
		var b bytes.Buffer
		if err := filled.Execute(&b, map[string]any{"Name": p.name, "PHP": p.engines[0], "Inside": p.inside}); err != nil {
			return err
		}
		files[strings.ReplaceAll(place, "NAME", p.name)] = b.Bytes()
		return nil
	})
}

// said adds what the program says of itself: manual pages and completions.
func (p *product) said(files map[string][]byte) error {
	all, err := helps(p.program)
	if err != nil {
		return err
	}
	for _, h := range all {
		page := h.page(all, p.date.Format(time.DateOnly), p.version)
		files[fmt.Sprintf("usr/share/man/man%d/%s.%[1]d.gz", h.section(), h.name())] = compressed([]byte(page))
	}
	for shell, name := range map[string]string{"bash": "bash-completion/completions/phpsapi", "zsh": "zsh/vendor-completions/_phpsapi",
		"fish": "fish/vendor_completions.d/phpsapi.fish"} {
		text, err := exec.Command(p.program, "completion", shell).Output()
		if err != nil {
			return fmt.Errorf("%s completion %s: %w", p.program, shell, err)
		}
		files["usr/share/"+name] = text
	}
	return nil
}
