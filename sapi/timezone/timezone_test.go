package timezone

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TZ=JST-9 was UTC in every log. date(1) asks the C library.
func TestTimeZonesAreTheCLibrarys(t *testing.T) {
	moments := []int64{0, 1700000000, 1720000000, 1793000000, 2500000000, 4000000000}
	for _, tz := range []string{
		"JST-9", "CST-8", "<+0530>-5:30", "UTC+3", ":JST-9", "<-03>3", "NZST-12NZDT,M9.5.0,M4.1.0/3", "CET-1CEST,M3.5.0,M10.5.0/3",
		"AAA-14:45:30", "EST5EDT", "GMT0", "Etc/GMT+5",
		"Asia/Tokyo", ":America/St_Johns", "/usr/share/zoneinfo/Europe/Dublin", "No/Such", "", ":", "UTC", "X", "JST", "JST-", "12",
	} {
		args := []string{"--date", ""}
		zone := named(tz)
		for _, at := range moments {
			args[1] = "@" + strconv.FormatInt(at, 10)
			date := exec.Command("date", append(args, "+%F %T %z")...)
			date.Env = append(os.Environ(), "TZ="+tz, "LC_ALL=C")
			want, err := date.Output()
			if err != nil {
				t.Fatal(err)
			}
			if got := time.Unix(at, 0).In(zone).Format("2006-01-02 15:04:05 -0700"); got != strings.TrimSpace(string(want)) {
				t.Errorf("TZ=%s at %d: got %s, want %s", tz, at, got, want)
			}
		}
	}
}

func TestLocalTimeFollowsTZ(t *testing.T) {
	before := time.Local
	t.Cleanup(func() { time.Local = before })
	at := time.Unix(1700000000, 0)
	t.Setenv("TZ", "JST-9")
	Adopt()
	if got := at.Local().Format("-0700 MST"); got != "+0900 JST" {
		t.Errorf("adopted: %s", got)
	}
	t.Setenv("TZ", "America/New_York")
	Adopt()
	if got := at.Local().Format("MST"); got != "JST" {
		t.Errorf("a name is Go's affair, got %s", got)
	}
	Change()
	if got := at.Local().Format("-0700 MST"); got != "-0500 EST" {
		t.Errorf("changed: %s", got)
	}
	os.Unsetenv("TZ")
	Change()
	date := exec.Command("date", "--date=@1700000000", "+%z %Z")
	want, err := date.Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := at.Local().Format("-0700 MST"); got != strings.TrimSpace(string(want)) {
		t.Errorf("without TZ: got %s, want %s", got, want)
	}
}
