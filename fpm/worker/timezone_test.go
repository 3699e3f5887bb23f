package worker

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
)

// The access log of a pool whose environment has another TZ, or none, is in that time, as php-fpm's is.
func TestAccessLogFollowsThePoolsTZ(t *testing.T) {
	before, env := time.Local, os.Environ()
	t.Cleanup(func() { time.Local = before })
	for name, c := range map[string]struct {
		clear bool
		env   []conf.KeyValue
		want  string
	}{
		"kept":  {false, nil, "+0900"},
		"other": {true, []conf.KeyValue{{Key: "TZ", Value: "XYZ+3:30"}}, "-0330"},
		"empty": {true, []conf.KeyValue{{Key: "TZ", Value: ""}}, "+0000"},
	} {
		t.Setenv("TZ", "JST-9")
		time.Local = time.FixedZone("JST", 9*3600)
		k := &worker{spec: &contract.Spec{}, pool: &conf.Pool{ClearEnv: c.clear, Env: c.env}}
		k.setEnvironment()
		if got := time.Unix(1700000000, 0).Local().Format("-0700"); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
		for _, v := range env {
			key, value, _ := strings.Cut(v, "=")
			os.Setenv(key, value)
		}
	}
}
