package phpsrc

import (
	"slices"
	"testing"
)

func TestSourceLists(t *testing.T) {
	lines := "# deb http://old x main\ndeb [signed-by=/k] http://host/debian bookworm main\n" +
		"deb-src http://host/debian bookworm main\n\n deb\thttp://host/security x main contrib\n"
	want := "deb-src [signed-by=/k] http://host/debian bookworm main\ndeb-src http://host/security x main contrib\n"
	if got := sourceLines(lines); got != want {
		t.Errorf("lines: got\n%swant\n%s", got, want)
	}
	stanza := "# mirror\nTypes: deb deb-src\nURIs: http://host/debian\nSuites: bookworm\n\ntypes: deb\nURIs: http://host/b\n"
	want = "# mirror\nTypes: deb-src\nURIs: http://host/debian\nSuites: bookworm\n\nTypes: deb-src\nURIs: http://host/b\n"
	if got := sourceStanzas(stanza); got != want {
		t.Errorf("stanza: got\n%swant\n%s", got, want)
	}
}

// The machine has one release of PHP, and apt may have sources of others alone.
func TestSourceOfTheInstalledRelease(t *testing.T) {
	const listed = "Package: php8.4\nVersion: 8.4.27-1\n\nPackage: php8.4\nVersion: 8.4.28-1\n\nPackage: php8.4\nVersion: 8.4.29-1\n"
	for installed, want := range map[string][]string{
		"8.4.27-1": {"8.4.27-1", "8.4.29-1", "8.4.28-1"},
		"8.4.29-1": {"8.4.29-1", "8.4.28-1", "8.4.27-1"},
		"8.4.1-1":  {"8.4.29-1", "8.4.28-1", "8.4.27-1"},
	} {
		if got := candidates(listed, installed); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", installed, got, want)
		}
	}
}
