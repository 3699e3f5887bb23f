package cgi

import (
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/sapi"
)

func TestZendExtensionOptionByVersion(t *testing.T) {
	for version, want := range map[string]bool{"8.2.36": true, "8.4.28": true, "8.5.7": false} {
		php := sapi.ParsePHPVersion(version)
		if r := parseRun([]string{"-z", "x.so"}, php, false); (len(r.extensions) == 1) != want {
			t.Errorf("%s: -z is read as %q", version, r.extensions)
		}
		if _, usage, err := parseTiming([]string{"-z", "x.so"}, php); (err == nil) != want || usage == want {
			t.Errorf("%s: -z: usage %t, %v", version, usage, err)
		}
		var text strings.Builder
		Usage(&text, "php-cgi", php)
		if strings.Contains(text.String(), "\n  -z <file> ") != want {
			t.Errorf("%s: the help text is\n%s", version, &text)
		}
	}
}

// A web server passes a query string without "=" as arguments.
func TestQueryStringIsNoOption(t *testing.T) {
	for query, want := range map[string]bool{
		"-s":              true,
		"-d+x":            true,
		"%2d%73":          true,
		"+-s":             true,
		"%20%09-s":        true,
		"%0a-dfoo":        true,
		"-d+allow_url=on": false, // with "=" it is not an argument of the server's
		"s":               false,
		"":                false,
		"%zz-s":           false,
		"%":               false,
		"a%2d":            false,
	} {
		if got := fromURL(query, true); got != want {
			t.Errorf("%q: got %v, want %v", query, got, want)
		}
	}
	if fromURL("-s", false) {
		t.Error("no QUERY_STRING: the arguments are the user's")
	}
}
