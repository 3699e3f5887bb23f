package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/conf"
)

func TestConfigurationsAreCompared(t *testing.T) {
	value := func(text string) conf.Value {
		section, rest, _ := strings.Cut(text, " ")
		name, value, _ := strings.Cut(rest, "=")
		return conf.Value{Section: section, Name: name, Text: value}
	}
	all := func(texts []string) (values []conf.Value) {
		for _, text := range texts {
			values = append(values, value(text))
		}
		return values
	}
	for what, c := range map[string]struct{ running, files, want []string }{
		"the same":           {[]string{"global a=1", "www b=2"}, []string{"global a=1", "www b=2"}, nil},
		"changed":            {[]string{"global a=1", "www b=2"}, []string{"global a=1", "www b=3"}, []string{"www b: 2 -> 3"}},
		"new and gone":       {[]string{"www a=1"}, []string{"www b=1"}, []string{"www b: - -> 1", "www a: 1 -> -"}},
		"several of a name":  {[]string{"www p=/a", "www p=/b"}, []string{"www p=/b", "www p=/c"}, []string{"www p: /a -> /c"}},
		"other sections":     {[]string{"www a=1", "old a=2"}, []string{"www a=1", "new a=3"}, nil},
		"a secret":           {[]string{"www env[APP_SECRET]=x"}, []string{"www env[APP_SECRET]=y"}, []string{"www env[APP_SECRET]: (masked) -> (masked)"}},
		"a secret of php":    {[]string{"php.ini mysqli.default_pw=x"}, []string{"php.ini mysqli.default_pw=y"}, []string{"php.ini mysqli.default_pw: (masked) -> (masked)"}},
		"a password in it":   {[]string{"www env[U]=x://u:p@h/"}, []string{"www env[U]=x://u:q@g/"}, []string{"www env[U]: x://u:(masked)@h/ -> x://u:(masked)@g/"}},
		"a file of a secret": {[]string{"phpsapi http.tls.key=/a"}, []string{"phpsapi http.tls.key=/b"}, []string{"phpsapi http.tls.key: /a -> /b"}},
	} {
		var got []string
		text := func(s *string) string {
			if s == nil {
				return "-"
			}
			return *s
		}
		for _, change := range Compare(all(c.running), all(c.files)) {
			got = append(got, fmt.Sprintf("%s %s: %s -> %s", change.Section, change.Name, text(change.Running), text(change.Files)))
		}
		if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%s: got %q, want %q", what, got, c.want)
		}
	}
}
