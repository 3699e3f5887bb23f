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
		if got := older(c.version, c.than); got != c.want {
			t.Errorf("older(%s, %s) = %v", c.version, c.than, got)
		}
	}
}
