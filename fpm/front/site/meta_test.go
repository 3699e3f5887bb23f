package site

import "testing"

func TestBelowChroot(t *testing.T) {
	for _, c := range [][3]string{
		{"", "/a/b", "/a/b"}, {"/", "/a/b", "/a/b"}, {"/a", "/a/b", "/b"}, {"/a/", "/a/b", "/b"}, {"/a", "/a", "/"},
		{"/a", "/ab", "/ab"}, {"/a", "/b/a", "/b/a"},
	} {
		if got := below(c[0], c[1]); got != c[2] {
			t.Errorf("%s below %s: %s, want %s", c[1], c[0], got, c[2])
		}
	}
}
