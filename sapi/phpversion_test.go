package sapi

import "testing"

func TestPHPVersion(t *testing.T) {
	for _, test := range []struct {
		text          string
		version       PHPVersion
		minor, string string
	}{
		{"8.2.36", 80236, "8.2", "8.2.36"},
		{"8.4.21", 80421, "8.4", "8.4.21"},
		{"8.4", 80400, "8.4", "8.4.0"},
		{"8.5.0RC1", 80500, "8.5", "8.5.0"},
		{"8.2.32-1~deb12u1", 80232, "8.2", "8.2.32"},
		{"10.11.12", 101112, "10.11", "10.11.12"},
		{"", 0, "0.0", "0.0.0"},
	} {
		version := ParsePHPVersion(test.text)
		if version != test.version || version.Minor() != test.minor || version.String() != test.string {
			t.Errorf("%q is %d, of %s, shown as %s; want %d, %s, %s", test.text, version, version.Minor(), version,
				test.version, test.minor, test.string)
		}
	}
}

func TestPHPVersionAtLeast(t *testing.T) {
	for _, test := range []struct {
		text         string
		major, minor int
		want         bool
	}{
		{"8.2.36", 8, 2, true},
		{"8.2", 8, 2, true},
		{"8.2.36", 8, 3, false},
		{"8.4.0", 8, 3, true},
		{"9.0.0", 8, 5, true},
	} {
		if got := ParsePHPVersion(test.text).AtLeast(test.major, test.minor); got != test.want {
			t.Errorf("%s is at least %d.%d: %t", test.text, test.major, test.minor, got)
		}
	}
}
