package cli_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/test/serve"
)

// Each front end has php.ini in the first of its directories that is there, whether it starts with Go or without, and phpsapi engines
// names that one.
func TestDirectoriesOfPHPINI(t *testing.T) {
	t.Parallel()
	if out, err := exec.Command("unshare", "--mount", "mount", "-t", "tmpfs", "none", "/etc").CombinedOutput(); err != nil {
		t.Skipf("/etc cannot be another: %v\n%s", err, out)
	}
	packages := "/etc/php/" + serve.Stock().Version
	embed, own := packages+"/embed", "/etc/phpsapi/php"
	script := filepath.Join(t.TempDir(), "ini.php")
	if err := os.WriteFile(script, []byte("<?php echo '[', php_ini_loaded_file(), ']';"), 0o644); err != nil {
		t.Fatal(err)
	}
	loaded := regexp.MustCompile(`(?m)(?:\[|^Loaded Configuration File(?:: +| => ))(/\S*?)\]?$`)
	for _, there := range [][]string{
		{own}, {embed, own}, {packages + "/cli", own}, {packages + "/cgi", packages + "/fpm", embed, own}, {packages + "/cli", packages + "/cgi", packages + "/fpm", embed},
	} {
		run := func(env string, args ...string) string {
			const first = `mount -t tmpfs none /etc && for dir in $0; do mkdir -p $dir && : >$dir/php.ini || exit 99; done; exec "$@"`
			cmd := exec.Command("unshare", append([]string{"--mount", "sh", "-c", first, strings.Join(there, " "), binary}, args...)...)
			cmd.Env = append(os.Environ(), "PHPSAPI_ENGINE="+serve.Stock().Libphp)
			if env != "" {
				cmd.Env = append(cmd.Env, strings.Fields(env)...)
			}
			said, _ := cmd.CombinedOutput()
			return string(said)
		}
		var list []struct {
			Default string
			INI     []struct {
				Dir       string
				FrontEnds []string `json:"front_ends"`
			}
		}
		said := run("", "engines", "--json")
		if err := json.Unmarshal([]byte(said), &list); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		for frontEnd, commands := range map[string][][]string{
			"cli": {{"", "cli", script}, {"", "cli", "--ini"}},
			"cgi": {{"", "cgi", "-q", script}, {"REDIRECT_STATUS=1 REQUEST_METHOD=GET SCRIPT_FILENAME=" + script, "cgi"}},
			"fpm": {{"", "fpm", "-i"}},
		} {
			i := slices.IndexFunc([]string{packages + "/" + frontEnd, embed, own}, func(dir string) bool { return slices.Contains(there, dir) })
			want := []string{packages + "/" + frontEnd, embed, own}[i]
			for _, c := range commands {
				said := run(c[0], c[1:]...)
				if got := loaded.FindStringSubmatch(said); got == nil || got[1] != want+"/php.ini" {
					t.Errorf("with %q %q has read %q, want %s", there, c, got, want)
				}
			}
			for _, e := range list {
				for _, dir := range e.INI {
					if e.Default != "" && (len(dir.FrontEnds) == 0 || slices.Contains(dir.FrontEnds, frontEnd)) && dir.Dir != want {
						t.Errorf("with %q %s is listed for %s, want %s", there, dir.Dir, frontEnd, want)
					}
				}
			}
		}
	}
}
