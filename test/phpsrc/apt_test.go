package phpsrc

import "testing"

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
