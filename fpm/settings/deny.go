package settings

import (
	"fmt"
	"strings"
)

// Words in http.deny.
const (
	denyDefault = "default"
	denyNothing = "none"
)

// defaultDeny is what no site means to send, and what ends up below roots all the same: the data, dumps, copies, logs and
// tools of applications that are made for a server with settings of their own for them. FRONT.md has the list.
func defaultDeny() []string {
	return []string{
		"*.sqlite", "*.sqlite3", "*.db", "*.db3", "*.mdb", "*.sql", "*.sql.gz", "*.sql.bz2", "*.sql.xz", "*.sql.zst", "*.sql.zip",
		"*.dump", "*~", "*.bak", "*.backup", "*.old", "*.orig", "*.rej", "*.save", "*.swp", "*.swo", "*.log", "*.ini", "*.key",
		"composer.json", "composer.lock", "phpunit.xml", "phpunit.xml.dist",
		"/data/", "/var/", "/config/", "/conf/", "/private/", "/protected/", "/backup/", "/backups/", "/log/", "/logs/", "/tmp/",
		"/temp/", "/sql/", "/vendor/",
		"!/vendor/*.css", "!/vendor/*.js", "!/vendor/*.mjs", "!/vendor/*.map", "!/vendor/*.png", "!/vendor/*.jpg", "!/vendor/*.jpeg",
		"!/vendor/*.gif", "!/vendor/*.svg", "!/vendor/*.webp", "!/vendor/*.ico", "!/vendor/*.woff", "!/vendor/*.woff2",
		"!/vendor/*.ttf", "!/vendor/*.eot",
	}
}

// denials is a list with its words replaced.
func denials(list []string) (all []string) {
	for _, entry := range list {
		switch entry {
		case denyDefault:
			all = append(all, defaultDeny()...)
		case denyNothing:
			all = nil
		default:
			all = append(all, entry)
		}
	}
	return all
}

// denial checks an entry of http.deny.
func denial(text string) error {
	rest := strings.TrimPrefix(text, "!")
	file := rest
	if strings.HasPrefix(rest, "/") {
		file = rest[strings.LastIndexByte(rest, '/')+1:]
	}
	dir := strings.TrimSuffix(rest, file)
	if rest == "" || rest == "/" || rest == "*" || strings.ContainsAny(dir, "*?[") || strings.ContainsAny(strings.TrimPrefix(file, "*"), "*?[/") {
		return fmt.Errorf("%q is neither a name (composer.lock, *.sql) nor a place below the root (/data/, /data/x.txt, /vendor/*.json), "+
			"with or without ! before it, nor default nor none", text)
	}
	return nil
}
