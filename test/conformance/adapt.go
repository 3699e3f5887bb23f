package main

import (
	"os"
	"path/filepath"
	"regexp"
)

// nullable finds a parameter that is nullable by its default value alone.
var nullable = regexp.MustCompile(`([(,\s])((?:string\|)?(?:string|int|bool|array|\\Exception))( \$\w+ = null\b)`)

// adapt makes the tests of php-fpm in src run under a newer PHP than theirs. 8.4 deprecates a parameter that is nullable by its
// default value alone, and their library, which has many, would print so before each test.
func adapt(src string) error {
	libraries, err := filepath.Glob(filepath.Join(src, "sapi/fpm/tests/*.inc"))
	if err != nil {
		return err
	}
	for _, name := range libraries {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(name, nullable.ReplaceAll(text, []byte("${1}null|$2$3")), 0o644); err != nil {
			return err
		}
	}
	return nil
}
