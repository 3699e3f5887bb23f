package contract

import (
	"strings"
	"testing"
	"time"
)

func TestInterruption(t *testing.T) {
	for _, i := range []Interruption{
		{InterruptedForTime, 2 * time.Second, "GET", "/a b", "x=1&y=2", "/srv/a.php"},
		{InterruptedForClient, 0, "", "", "", ""},
	} {
		if got, ok := ParseInterruption(i.Text()); !ok || got != i {
			t.Errorf("%+v became %+v, %v", i, got, ok)
		}
	}
	i := Interruption{InterruptedForTime, 1, "a\x00b", strings.Repeat("u", 9000), strings.Repeat("q", 9000), strings.Repeat("s", 9000)}
	if got, ok := ParseInterruption(i.Text()); !ok || got.Method != "a.b" || got.Script != strings.Repeat("s", 511) || len(i.Text()) > MaxMessage {
		t.Errorf("long fields became %+v, %v", got, ok)
	}
	for _, text := range []string{"", "time", "time 1", "time x\x00\x00\x00\x00", "time -1\x00\x00\x00\x00", "other 1\x00\x00\x00\x00", "time 1\x00\x00\x00\x00\x00"} {
		if got, ok := ParseInterruption(text); ok {
			t.Errorf("%q became %+v", text, got)
		}
	}
}
