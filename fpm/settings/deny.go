package settings

import (
	"fmt"
	"slices"
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
	all := []string{
		"*.sqlite", "*.sqlite3", "*.db", "*.db3", "*.mdb", "*-journal", "*-wal", "*-shm", "*.sql", "*.sql.gz", "*.sql.bz2", "*.sql.xz",
		"*.sql.zst", "*.sql.zip", "*.dump", "*~", "*.bak", "*.backup", "*.old", "*.orig", "*.rej", "*.save", "*.swp", "*.swo", "*.log",
		"*.ini", "*.key", "composer.json", "composer.lock", "phpunit.xml", "phpunit.xml.dist", "web.config", "dockerfile",
		"docker-compose.yml",
		"/data/", "/var/", "/config/", "/conf/", "/private/", "/protected/", "/backup/", "/backups/", "/log/", "/logs/", "/tmp/",
		"/temp/", "/sql/", "/vendor/", "/node_modules/",
	}
	for _, dir := range []string{"/vendor/", "/node_modules/"} { // where a page may have what browsers load
		for _, end := range []string{"css", "js", "mjs", "map", "wasm", "png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "woff", "woff2", "ttf", "eot"} {
			all = append(all, "!"+dir+"*."+end)
		}
	}
	return all
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

// isBareWord reports whether a text has nothing of a pattern. Most such words are a misspelt default, which would deny
// nothing at all.
func isBareWord(text string) bool { return text != "" && !strings.ContainsAny(text, "/.*?[~") }

// denial checks an entry of http.deny.
func denial(text string) error {
	rest := strings.TrimPrefix(text, "!")
	if text == denyDefault || text == denyNothing {
		return nil
	}
	if isBareWord(rest) && !slices.Contains(defaultDeny(), strings.ToLower(rest)) {
		return fmt.Errorf("%q is neither a pattern nor one of the words default and none: write *%s for names that end so, /%s/ for a directory, "+
			"/%s for a file below the root%s", text, rest, rest, rest, nearest(rest, []string{denyDefault, denyNothing}))
	}
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
