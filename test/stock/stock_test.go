package stock

import "testing"

func TestOlderCountsAndDoesNotSpell(t *testing.T) {
	for _, c := range []struct {
		version, than string
		want          bool
	}{
		{"8.2.36", "8.2.36", false}, {"8.2.35", "8.2.36", true}, {"8.2.37", "8.2.36", false}, {"8.2.9", "8.2.36", true},
		{"8.2.100", "8.2.36", false}, {"8.1.40", "8.2.36", true}, {"8.3.0", "8.2.36", false},
	} {
		if got := Older(c.version, c.than); got != c.want {
			t.Errorf("Older(%s, %s) = %v", c.version, c.than, got)
		}
	}
}

// A version of PHP that nobody has looked at is not trusted: what is compared with it is the right value alone.
func TestFaultIsMendedInEachVersionByARelease(t *testing.T) {
	f := Fault{Fixed: []string{"8.2.36", "8.4.28"}}
	for release, want := range map[string]bool{
		"8.2.35": false, "8.2.36": true, "8.2.40": true, "8.4.27": false, "8.4.28": true, "8.3.99": false, "8.5.0": false,
	} {
		if got := f.rightIn(release); got != want {
			t.Errorf("%s is right: %v", release, got)
		}
	}
}
