package ini

import (
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/sapi"
)

func TestSyntaxByVersion(t *testing.T) {
	for _, c := range []struct{ src, before83, since83 string }{
		{"a = ${HOST:-127.0.0.1}:9000\n", "a=:9000", "a=127.0.0.1:9000"},
		{"a = ${HOME:-x}\n", "a=", "a=/root"},
		{"a = \"${HOST:-${HOME:-x} y}\"\n", "syntax error, unexpected end of file, expecting '}' in Unknown on line 1", "a=/root y"},
		{"a = ${HOST:-E_ALL}\n", "a=", "a=all"},
		{"a = ${HOST:-}\n", "a=", "a="},
		{"a = ${HOST:9}\n", "a=", "a="},
		{"a = ${HOST\n", "syntax error, unexpected end of file, expecting '}' in Unknown on line 1",
			"syntax error, unexpected end of file, expecting TC_FALLBACK or '}' in Unknown on line 1"},
		{"a = b\nc", "a=b", "a=b | c"},
		{"a] = b\n", "a]=b", "a | syntax error, unexpected ']' in Unknown on line 1"},
	} {
		for version, want := range map[string]string{"": c.before83, "8.2.36": c.before83, "8.3.0": c.since83, "8.4.28": c.since83, "8.5.0": c.since83} {
			env := Env{PHP: sapi.ParsePHPVersion(version),
				Constant: func(name string) (string, bool) { return "all", name == "E_ALL" },
				Variable: func(name string) (string, bool) { return "/root", name == "HOME" }}
			events, err := collect(t, c.src, env)
			if err != nil {
				events = append(events, err.Error())
			}
			if got := strings.Join(events, " | "); got != want {
				t.Errorf("%s: %q is %s, want %s", version, c.src, got, want)
			}
		}
	}
}

func TestConstantsByVersion(t *testing.T) {
	for version, want := range map[string]string{"8.2.36": "32767", "8.3.30": "32767", "8.4.28": "30719", "8.5.0": "30719"} {
		if got, _ := VersionConstant(func() string { return version })("E_ALL"); got != want {
			t.Errorf("%s: E_ALL is %s", version, got)
		}
	}
}
