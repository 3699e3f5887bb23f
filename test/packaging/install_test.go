package packaging_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Programs in place of Debian's, for a machine in the directory $MACHINE: installed/NAME is the version of a package, lists
// the version that the lists name, mirror the one that the mirror has, default the PHP that libphp-embed needs. All packages of the machine come from one source, and
// need each other in exactly their own version.
var fakes = map[string]string{
	"id": "#!/bin/sh\necho 0\n",
	"dpkg-query": `#!/bin/sh
for name; do :; done
[ -f "$MACHINE/installed/$name" ] && echo installed
`,
	"apt-cache": `#!/bin/sh
[ -f "$MACHINE/lists" ] && ! grep -q unknown "$MACHINE/lists" || exit 100
[ "$1" != depends ] || printf '%s\n  Depends: libphp%s-embed\n' "$2" "$(cat "$MACHINE/default")"
`,
	"php": "", // is none of Debian's
	"apt-get": `#!/bin/sh
while [ "$1" != update ] && [ "$1" != install ]; do shift; done
echo "$*" >>"$MACHINE/log"
case $1 in
update)
	cp "$MACHINE/mirror" "$MACHINE/lists"
	[ ! -f "$MACHINE/half" ] || { echo "E: The repository of somebody else is not signed."; exit 100; }
	;;
install)
	shift 2
	listed=$(cat "$MACHINE/lists")
	for file in "$MACHINE"/installed/*; do
		[ -f "$file" ] || continue
		case " $* " in
		*" ${file##*/} "*) ;;
		*) [ "$(cat "$file")" = "$listed" ] || { echo "E: Unmet dependencies: ${file##*/}"; exit 100; } ;;
		esac
	done
	[ "$listed" = "$(cat "$MACHINE/mirror")" ] || { echo "E: Failed to fetch $listed 404"; exit 100; }
	for name; do cp "$MACHINE/mirror" "$MACHINE/installed/$name"; done
	;;
esac
`,
}

// A machine has package lists of some age and packages of some version. What packaging/install-deps does there is what
// apt-get is told.
func TestPackagesAreInstalledOnOldAndNewMachines(t *testing.T) {
	bin := t.TempDir()
	for name, text := range fakes {
		put(t, bin, name, text)
	}
	t.Parallel() // from now on programs are executed, which must not be open for writing
	const missing = " libphp8.2-embed php8.2-dev"
	for _, c := range []struct {
		name   string
		files  map[string]string
		old    bool // the lists were fetched some days ago
		want   string
		status int
	}{
		{"all is there", map[string]string{"installed/libphp8.2-embed": "31", "installed/php8.2-dev": "31", "lists": "31"}, true, "", 0},
		{"new lists", map[string]string{"lists": "36"}, false, "install --no-install-recommends" + missing + "\n", 0},
		{"old lists", map[string]string{"lists": "31"}, true, "update\ninstall --no-install-recommends" + missing + "\n", 0},
		{"no lists", nil, false, "update\ninstall --no-install-recommends" + missing + "\n", 0},
		{"no lists, all is there", map[string]string{"usr/lib/libphp8.2.so": "", "installed/libphp8.2-embed": "31", "installed/php8.2-dev": "31"}, true, "", 0},
		{"another Debian", map[string]string{"lists": "36", "default": "8.4"}, false, "install --no-install-recommends libphp8.4-embed php8.4-dev\n", 0},
		{"another Debian, no lists", map[string]string{"default": "8.4"}, false, "update\ninstall --no-install-recommends libphp8.4-embed php8.4-dev\n", 0},
		{"another Debian, an older php", map[string]string{"lists": "36", "default": "8.4", "usr/lib/libphp8.2.so": ""}, false,
			"install --no-install-recommends libphp8.4-embed php8.4-dev\n", 0},
		{"lists that do not know PHP", map[string]string{"lists": "unknown"}, false, "update\ninstall --no-install-recommends" + missing + "\n", 0},
		{"new lists, and the mirror has newer ones", map[string]string{"lists": "35"}, false,
			"install --no-install-recommends" + missing + "\nupdate\ninstall --no-install-recommends" + missing + "\n", 0},
		{"lists of which some cannot be had", map[string]string{"lists": "31", "half": ""}, true, "update\ninstall --no-install-recommends" + missing + "\n", 0},
		{"an older libphp, old lists", map[string]string{"installed/libphp8.2-embed": "31", "lists": "31"}, true,
			"update\ninstall --no-install-recommends php8.2-dev\ninstall --no-install-recommends" + missing + "\n", 0},
		{"an older libphp, new lists", map[string]string{"installed/libphp8.2-embed": "31", "lists": "36"}, false,
			"install --no-install-recommends php8.2-dev\nupdate\ninstall --no-install-recommends" + missing + "\n", 0},
		{"a package that nobody upgrades", map[string]string{"installed/php8.2-gd": "31", "lists": "36"}, false,
			"install --no-install-recommends" + missing + "\nupdate\ninstall --no-install-recommends" + missing + "\n", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			machine := t.TempDir()
			for _, name := range []string{"usr/sbin/.", "var/lib/apt/lists/partial/.", "installed/."} {
				put(t, machine, name, "")
			}
			put(t, machine, "mirror", "36")
			put(t, machine, "default", "8.2")
			for name, text := range c.files {
				put(t, machine, name, text)
			}
			if c.old {
				then := time.Now().Add(-72 * time.Hour)
				if err := os.Chtimes(filepath.Join(machine, "var/lib/apt/lists/partial"), then, then); err != nil {
					t.Fatal(err)
				}
			}
			install := exec.Command("../../packaging/install-deps", "build")
			install.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "MACHINE=" + machine, "INSTALL_DEPS_ROOT=" + machine}
			said, _ := install.CombinedOutput()
			if status := install.ProcessState.ExitCode(); status != c.status {
				t.Errorf("the exit status is %d, want %d: %s", status, c.status, said)
			}
			if log, _ := os.ReadFile(machine + "/log"); string(log) != c.want {
				t.Errorf("apt-get was told\n%swant\n%s", log, c.want)
			}
			if c.status != 0 && !strings.Contains(string(said), "E: Unmet dependencies: php8.2-gd\napt-get could not install: libphp8.2-embed php8.2-dev\n") {
				t.Errorf("it says %q", said)
			}
			if _, err := os.Stat(machine + "/usr/sbin/policy-rc.d"); err == nil {
				t.Error("policy-rc.d was left behind: no package could start its service any more")
			}
		})
	}
}

// put writes a file that may be executed; "." in the end of its name is its directory alone.
func put(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, strings.TrimSuffix(name, "."))
	if strings.HasSuffix(name, "/.") {
		if err := os.MkdirAll(file, 0o755); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}
