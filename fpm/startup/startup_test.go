package startup

import (
	"slices"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

const (
	missing    = "PHP Warning:  PHP Startup: Unable to load dynamic library 'nowhere' (tried: a, b) in Unknown on line 0"
	missingToo = "PHP Warning:  Failed loading Zend extension 'nowhere' (tried: a) in Unknown on line 0"
	misspelt   = "PHP:  syntax error, unexpected END_OF_LINE, expecting ')' in /etc/php.ini on line 2"
	deprecated = "PHP Deprecated:  PHP Startup: Use of mbstring.internal_encoding is deprecated in Unknown on line 0"
	preloading = "PHP Warning:  Can't preload unlinked class A: Unknown parent B in /a.php on line 1"
)

func TestPHPsMessagesAreTakenApart(t *testing.T) {
	text := misspelt + "\n" + preloading + "\n\nStack trace:\n#0 {main}\n" + deprecated + "\nsaid by a library\nand again\n"
	got := take(text)
	want := Messages{misspelt, preloading + "\n\nStack trace:\n#0 {main}", deprecated + "\nsaid by a library\nand again"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestPHPsMessagesGoWherePHPFPMPutsThem(t *testing.T) {
	var out, raw strings.Builder
	Messages{misspelt, deprecated}.Show(zlog.New(&out), &raw)
	if want := misspelt + "\n"; raw.String() != want {
		t.Errorf("stderr: got %q, want %q", raw.String(), want)
	}
	if want := "NOTICE: PHP message: " + deprecated + "\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("log: got %q, want %q at its end", out.String(), want)
	}
}

func TestWorseStartIsNoticed(t *testing.T) {
	for _, c := range []struct {
		name      string
		was, is   Messages
		complains bool
	}{
		{"nothing said", nil, nil, false},
		{"an extension is missing", nil, Messages{missing}, true},
		{"a Zend extension is missing", Messages{deprecated}, Messages{deprecated, missingToo}, true},
		{"php.ini has a typo", nil, Messages{misspelt}, true},
		{"it was missing before", Messages{missing}, Messages{missing}, false},
		{"it is there now", Messages{missing}, nil, false},
		{"another one is missing", Messages{missing}, Messages{missing, missingToo}, true},
		{"advice", nil, Messages{deprecated, preloading}, false},
	} {
		if err := c.is.Worse(c.was); (err != nil) != c.complains {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
