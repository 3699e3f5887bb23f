//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	processes "github.com/phpsapi/phpsapi/test/serve"
)

// TestUpdatesOfPHP runs programs that were built with one patch release of Debian's PHP on another: the installed one and
// each that the machine's package lists have beside it, in both directions.
func TestUpdatesOfPHP(t *testing.T) {
	installed, err := exec.Command("dpkg-query", "-W", "-f=${Version}", "libphp"+processes.Stock().Version+"-embed").Output()
	if err != nil {
		t.Fatal(err)
	}
	others := otherReleases(t, string(installed))
	if len(others) == 0 {
		t.Skip("Debian has one release of this PHP at the moment: test/cli has what can be tried without another")
	}
	for _, other := range others {
		dir := release(t, other)
		headers := filepath.Join(dir, fmt.Sprint("usr/include/php/", processes.Stock().API()))
		libphp := filepath.Join(dir, processes.Stock().Libphp)
		program := filepath.Join(dir, "phpsapi")
		source := filepath.Join(dir, "source")
		processes.CopyTree(t, "../..", source)
		config := filepath.Join(dir, "php-config")
		script := fmt.Sprintf("#!/bin/sh\ncase $1 in\n--include-dir) echo %s ;;\n--version) echo %s ;;\nesac\n", headers, patchRelease(other))
		if err := os.WriteFile(config, []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		build := exec.Command("sh", "-c", `packaging/build-engine "$0" && go build -buildvcs=false -o "$1" .`, config, program)
		build.Dir = source
		if said, err := build.CombinedOutput(); err != nil {
			t.Fatalf("phpsapi cannot be built with the headers of %s: %v\n%s", other, err, said)
		}
		old, now := patchRelease(other), patchRelease(string(installed))
		for _, c := range []struct{ built, program, runs, libphp string }{
			{now, filepath.Join(ours, "phpsapi"), old, libphp},
			{old, program, now, processes.Stock().Libphp},
			{old, program, old, libphp},
		} {
			t.Run("built with "+c.built+", on "+c.runs, func(t *testing.T) { runsOn(t, c.program, c.built, c.libphp, c.runs) })
		}
	}
}

// otherReleases are the versions of libphp that apt-get could install beside the installed one.
func otherReleases(t *testing.T, installed string) (versions []string) {
	table, err := exec.Command("apt-cache", "madison", "libphp"+processes.Stock().Version+"-embed").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(table)) {
		columns := strings.Split(line, "|")
		if len(columns) != 3 || !strings.Contains(columns[2], "Packages") {
			continue
		}
		version := strings.TrimSpace(columns[1])
		if version != installed && !strings.Contains(strings.Join(versions, " "), version) {
			versions = append(versions, version)
		}
	}
	return versions
}

// patchRelease is the PHP version in Debian's: 8.2.36 in 8.2.36-1~deb12u1.
func patchRelease(debian string) string {
	version, _, _ := strings.Cut(debian, "-")
	return version
}

// release unpacks libphp and the headers of a version into a directory.
func release(t *testing.T, version string) string {
	t.Helper()
	dir := at(t).dir
	for _, name := range []string{"libphp" + processes.Stock().Version + "-embed", "php" + processes.Stock().Version + "-dev"} {
		download := exec.Command("sh", "-c", `apt-get -q download "$0" && dpkg-deb -x "${0%%=*}"_*.deb .`, name+"="+version)
		download.Dir = dir
		if said, err := download.CombinedOutput(); err != nil {
			t.Fatalf("%s %s: %v\n%s", name, version, err, said)
		}
	}
	return dir
}

// runsOn runs the three programs, and the development server, without php.ini: Debian's names extensions of the installed
// release.
func runsOn(t *testing.T, program, built, libphp, version string) {
	t.Setenv("PHPSAPI_ENGINE", libphp)
	said := func(args ...string) string {
		output, err := exec.Command(program, args...).CombinedOutput()
		if err != nil {
			t.Errorf("phpsapi %s: %v", strings.Join(args, " "), err)
		}
		return string(output)
	}
	if got := said("version"); !strings.Contains(got, "\nbuilt with PHP "+built+" (") || !strings.Contains(got, "\nruns PHP "+version+" (") {
		t.Errorf("phpsapi version says %q", got)
	}
	if got := said("cli", "-n", "-r", `function f() { throw new Exception("x"); } try { f(); } catch (Exception $e) { echo PHP_VERSION, $e->getLine(); }`); got != version+"1" {
		t.Errorf("php says %q", got)
	}
	p := at(t)
	p.env = []string{"PHPSAPI_ENGINE=" + libphp}
	p.write("www/index.php", `<?php echo PHP_VERSION, " ", PHP_SAPI, " ", phpversion("cgi-fcgi") ?: $_SERVER["SERVER_SOFTWARE"], " ",
		$_GET["a"] ?? "", $_POST["b"] ?? "", " ", memory_get_peak_usage() > 0, error_get_last() === null, ".";`)
	if got, want := said("cgi", "-n", "-q", p.path("www/index.php"), "a=1"), version+" cgi-fcgi "+version+" 1 11."; got != want {
		t.Errorf("php-cgi says %q, want %q", got, want)
	}
	address := processes.Address(t)
	p.start("fpm", syscall.SIGQUIT, accepts(address), program, "fpm", "-n", "--http", address, "--root", p.path("www"))
	for range 3 { // a worker's later requests find what the first has left
		visit(t, address).post("/?a=1", version+" fpm-fcgi "+version+" 12 11.", map[string][]string{"b": {"2"}})
	}
	address = processes.Address(t)
	p.start("server", syscall.SIGINT, accepts(address), program, "cli", "-n", "-S", address, "-t", p.path("www"))
	visit(t, address).post("/?a=1", version+" cli-server PHP "+version+" Development Server 12 11.", map[string][]string{"b": {"2"}})
}
