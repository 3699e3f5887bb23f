package cgi

import "testing"

// A web server passes a query string without "=" as arguments.
func TestQueryStringIsNoOption(t *testing.T) {
	for query, want := range map[string]bool{
		"-s":              true,
		"-d+x":            true,
		"%2d%73":          true,
		"+-s":             true,
		"%20%09-s":        true,
		"%0a-dfoo":        true,
		"-d+allow_url=on": false, // with "=" it is no argument of the server's
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
