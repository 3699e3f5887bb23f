package sapi

import "testing"

// For libphp-copy.so, a package libphp-copy-embed was named.
func TestEngineThatCannotBeOpenedNamesAPackageThatExists(t *testing.T) {
	const missing = "cannot open shared object file: No such file or directory"
	for path, version := range map[string]string{
		"libphp8.4.so":             "8.4",
		"/usr/lib/libphp8.4.so":    "8.4",
		"/opt/php/lib/libphp.so":   "8.2",
		"/srv/php/libphp-copy.so":  "8.2",
		"/srv/php/libphp8.4.28.so": "8.2",
		"/srv/php/libphp8.so":      "8.2",
		"/srv/php":                 "8.2",
		" ":                        "8.2",
	} {
		err := &EngineError{Path: path, Failure: EngineNotOpened, Detail: path + ": " + missing, Version: "8.2.36"}
		want := path + ": " + missing + " (install the package libphp" + version + "-embed, or name another libphp in PHPSAPI_ENGINE)"
		if got := err.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
