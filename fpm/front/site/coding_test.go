package site

import (
	"slices"
	"strings"
	"testing"
)

func TestCodingsThatAClientTakes(t *testing.T) {
	for _, c := range []struct{ accepts, codings, want string }{
		{"gzip", "br zstd gzip", "gzip"},
		{"gzip, deflate, br, zstd", "br zstd gzip", "br zstd gzip"},
		{"gzip, deflate, br, zstd", "gzip br", "gzip br"},
		{"br;q=0.5, gzip;q=0.8", "br gzip", "gzip br"},
		{"GZIP ; Q=1.0", "gzip", "gzip"},
		{"x-gzip", "gzip", "gzip"},
		{"", "gzip", ""},
		{"identity", "gzip", ""},
		{"gzip;q=0", "gzip", ""},
		{"gzip;q=0.000", "gzip", ""},
		{"gzip;q=0.001", "gzip", "gzip"},
		{"*", "br gzip", "br gzip"},
		{"*;q=0", "gzip", ""},
		{"gzip, *;q=0", "br gzip", "gzip"},
		{"gzip;q=0, *", "br gzip", "br"},
		{"gzip;q=0.5, identity", "gzip", ""},
		{"gzip;q=0.5, identity;q=0.5", "gzip", "gzip"},
		{"gzip, identity;q=0", "gzip", "gzip"},
		{"gzip;q=2", "gzip", ""},
		{"gzip;q=-1", "gzip", ""},
		{"gzip;q=NaN", "gzip", ""},
		{"gzip;q=", "gzip", ""},
		{"gzip;level=1", "gzip", ""},
		{"gzip;q=0.5;x=1", "gzip", ""},
		{"gzipped, xgzip", "gzip", ""},
		{"deflate\tgzip", "gzip", ""},
		{",,gzip,,", "gzip", "gzip"},
		{"deflate|gzip", "gzip", "gzip"}, // two headers
	} {
		got := Accepted(strings.Split(c.accepts, "|"), strings.Fields(c.codings))
		if !slices.Equal(got, strings.Fields(c.want)) {
			t.Errorf("Accept-Encoding: %s: got %q of %s, want %s", c.accepts, got, c.codings, c.want)
		}
	}
	if got := Accepted(nil, []string{"gzip"}); got != nil {
		t.Errorf("without a header: got %q", got)
	}
}
