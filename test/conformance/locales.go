package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// locales are those that the tests ask for: the names under which the C
// library finds them, by character set.
var locales = map[string]string{
	"UTF-8": "en_US.utf8 en_AU.utf8 de_DE.utf8 fr_FR.utf8 nl_NL.utf8 es_EC.utf8 el_GR.utf8 " +
		"ja_JP.utf8 ko_KR.utf8 zh_CN.utf8 is_IS.utf8 tr_TR.utf8",
	"ISO-8859-1":  "de_DE.iso88591 fr_FR.iso88591 it_IT.iso88591 en_US de_DE fr_FR it_IT is_IS",
	"ISO-8859-9":  "tr_TR",
	"ISO-8859-15": "fr_FR.iso885915",
}

// buildLocales compiles the locales that the tests ask for into a directory
// below cache, for LOCPATH, and returns it. The machine's own stay as they are.
func buildLocales(cache string) (string, error) {
	dir := filepath.Join(cache, "locale")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for charmap, names := range locales {
		for name := range strings.FieldsSeq(names) {
			locale := filepath.Join(dir, name)
			if _, err := os.Stat(locale); err == nil {
				continue
			}
			language, _, _ := strings.Cut(name, ".")
			if err := os.RemoveAll(locale + ".new"); err != nil {
				return "", err
			}
			// -c: what localedef only warns of is not a failure, whatever its status.
			cmd := exec.Command("localedef", "-c", "-i", language, "-f", charmap, locale+".new")
			said, err := cmd.CombinedOutput()
			if os.Rename(locale+".new", locale) != nil {
				return "", fmt.Errorf("localedef %s: %v %s; install locales", name, err, strings.TrimSpace(string(said)))
			}
		}
	}
	return dir, nil
}
