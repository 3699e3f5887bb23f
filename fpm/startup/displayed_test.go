package startup

import (
	"slices"
	"testing"
)

// A reload with an extension that cannot be loaded succeeded silently: PHP had displayed its warning, as HTML.
func TestWhatPHPDisplaysAtItsStartIsHeard(t *testing.T) {
	const escaped = "PHP Warning:  PHP Startup: Invalid library &amp; no more in Unknown on line 0"
	const mismatch = "PHP Warning:  PHP Startup: x: Unable to initialize module\nModule compiled with API=1\n in Unknown on line 0"
	for name, c := range map[string]struct {
		logged    Messages
		displayed string
		want      Messages
		rest      string
	}{
		"as text": {nil, "\nWarning: " + missing[len("PHP Warning:  "):] + "\n", Messages{missing}, ""},
		"as HTML": {nil, "<br />\n<b>Warning</b>:  PHP Startup: Unable to load dynamic library 'nowhere' (tried: a, b) in <b>Unknown</b> on line <b>0</b><br />\n",
			Messages{missing}, ""},
		"as HTML, with a link": {nil, "<br />\n<b>Warning</b>:  PHP Startup: Unable to load dynamic library 'nowhere' (tried: <a href='x'>a</a>, b) in <b>Unknown</b> on line <b>0</b><br />\n",
			Messages{missing}, ""},
		"logged too":                {Messages{missing}, "\nWarning: " + missing[len("PHP Warning:  "):] + "\n", Messages{missing}, ""},
		"logged too, with entities": {Messages{escaped}, "<br />\n<b>Warning</b>:  PHP Startup: Invalid library &amp; no more in <b>Unknown</b> on line <b>0</b><br />\n", Messages{escaped}, ""},
		"two": {nil, "\nWarning: " + missingToo[len("PHP Warning:  "):] + "\n\nDeprecated: " + deprecated[len("PHP Deprecated:  "):] + "\n",
			Messages{missingToo, deprecated}, ""},
		"several lines":             {nil, "\nWarning: " + mismatch[len("PHP Warning:  "):] + "\n", Messages{mismatch}, ""},
		"printed by a script":       {Messages{deprecated}, "preloaded 3 files\n", Messages{deprecated}, "preloaded 3 files\n"},
		"printed, and in a message": {nil, "preloaded\n\nWarning: " + missing[len("PHP Warning:  "):], Messages{missing}, "preloaded\n\n"},
	} {
		got, rest := slices.Clone(c.logged).addDisplayed(c.displayed)
		if !slices.Equal(got, c.want) || rest != c.rest {
			t.Errorf("%s: got  %q, %q\nwant %q, %q", name, got, rest, c.want, c.rest)
		}
	}
	if err := (Messages{escaped}).Worse(Messages{plain(escaped)}); err != nil {
		t.Error("a message is taken for another one with html_errors: ", err)
	}
	if (Messages{mismatch}).Worse(nil) == nil {
		t.Error("an extension for another PHP is not a fault")
	}
}
