//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	processes "github.com/phpsapi/phpsapi/test/serve"
)

// anotherPHP is a PHP that is not Debian's, as its php-config tells.
type anotherPHP struct{ libphp, version, ini, extensions string }

// findAnotherPHP returns the PHP whose php-config PHP_CONFIG names.
func findAnotherPHP(t *testing.T) (php anotherPHP) {
	t.Helper()
	config := os.Getenv("PHP_CONFIG")
	if config == "" {
		t.Skip("there is one PHP: PHP_CONFIG names the php-config of another, which `make e2e` builds an engine for (docs/ENGINES.md)")
	}
	ask := func(option string) string {
		out, err := exec.Command(config, option).Output()
		if err != nil {
			t.Fatalf("%s %s: %v", config, option, err)
		}
		return strings.TrimSpace(string(out))
	}
	php = anotherPHP{filepath.Join(ask("--prefix"), "lib/libphp.so"), ask("--version"), ask("--ini-path"), ask("--extension-dir")}
	if said, err := exec.Command(filepath.Join(ours, "phpsapi"), "--engine", php.libphp, "cli", "-r", "opcache_get_status();").CombinedOutput(); err != nil {
		t.Fatalf("%s must run, with opcache by its own php.ini: %v: %s", php.libphp, err, said)
	}
	return php
}

// A who holds what a pool's PHP tells of itself.
type who struct {
	Version, INI, Loaded, Scanned, Extensions string
	Modules, Cached                           []string
	Opcache                                   struct {
		Version string
		Started int
	}
	Pid int
}

const whoScript = `<?php
$status = opcache_get_status();
$cached = array_map('basename', array_keys($status['scripts'] ?? []));
sort($cached);
echo json_encode(['Version' => PHP_VERSION, 'INI' => PHP_CONFIG_FILE_PATH, 'Loaded' => (string) php_ini_loaded_file(),
	'Scanned' => (string) php_ini_scanned_files(), 'Extensions' => ini_get('extension_dir'), 'Modules' => get_loaded_extensions(), 'Cached' => $cached,
	'Opcache' => ['Version' => opcache_get_configuration()['version']['version'], 'Started' => $status['opcache_statistics']['start_time']], 'Pid' => getmypid()]);`

// twoEngines runs a master with a pool of Debian's PHP and one of another. /debian and /other are their scripts.
func twoEngines(t *testing.T, other anotherPHP) *door {
	p := at(t)
	p.write("www/who.php", whoScript)
	for _, script := range []string{"debian", "other"} { // one that only that pool is asked for
		p.write("www/"+script+".php", "<?php echo PHP_VERSION, ' ', getmypid();")
	}
	for _, script := range []string{"who", "debian", "other"} { // opcache waits with files that are new
		if err := os.Chtimes(p.path("www/"+script+".php"), time.Time{}, time.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	d := &door{address: processes.Address(t)}
	pool := func(name string) string {
		return "[" + name + "]\nlisten = DIR/" + name + ".sock\n" + ifRoot("user = www-data\ngroup = www-data\nlisten.owner = www-data\n") +
			"pm = static\npm.max_children = 2\n"
	}
	p.write("php-fpm.conf", "[global]\nerror_log = DIR/fpm-error.log\n"+pool("debian")+pool("other"))
	p.engine(other.libphp, d.address)
	t.Cleanup(func() {
		if line := trouble(p.log("fpm-error.log"), p.wanted); line != "" {
			t.Errorf("fpm-error.log: %s", line)
		}
	})
	ready := func() error {
		if !strings.Contains(p.log("fpm-error.log"), "serves http://"+d.address) {
			return fmt.Errorf("the log does not say that it serves")
		}
		return nil
	}
	d.program = p.start("phpsapi", syscall.SIGTERM, ready,
		filepath.Join(ours, "phpsapi"), "--engine", processes.Stock().Libphp, "fpm", "--nodaemonize", "--fpm-config", p.path("php-fpm.conf"))
	return d
}

// engine writes phpsapi.yaml: the other pool's engine, and where the front serves both.
func (p *place) engine(libphp, address string) {
	p.write("phpsapi.yaml", `http:
  listen: ["`+address+`"]
sites:
  - {path: /debian, root: DIR/www, pool: debian}
  - {path: /other, root: DIR/www, pool: other}
pools:
  other:
    engine: `+libphp+"\n")
}

// ask returns what a pool's script answers.
func (d *door) ask(path string) (string, error) {
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://" + d.address + path)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
	}
	return string(body), err
}

func (d *door) who(t *testing.T, pool string) (w who) {
	t.Helper()
	text, err := d.ask("/" + pool + "/who.php")
	if err == nil {
		err = json.Unmarshal([]byte(text), &w)
	}
	if err != nil {
		t.Fatalf("pool %s: %v: %s", pool, err, text)
	}
	return w
}

// load asks a pool from four clients until it is told to end, which returns the numbers of requests and of failures, the first of
// which it has noted. All answers must be of that PHP.
func (d *door) load(t *testing.T, pool, version string) (asked *atomic.Int64, end func() (failed int64)) {
	asked = new(atomic.Int64)
	var failed atomic.Int64
	var clients sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				text, err := d.ask("/" + pool + "/" + pool + ".php")
				if err == nil && !strings.HasPrefix(text, version+" ") {
					err = fmt.Errorf("the answer is %q", text)
				}
				if asked.Add(1); err != nil && failed.Add(1) <= 3 {
					t.Logf("pool %s: %v", pool, err)
				}
			}
		})
	}
	return asked, func() int64 {
		close(stop)
		clients.Wait()
		t.Logf("pool %s: %d requests, %d failed", pool, asked.Load(), failed.Load())
		return failed.Load()
	}
}

func (p *place) reload() (said string, err error) {
	out, err := exec.Command("timeout", "60", filepath.Join(ours, "phpsapi"), "fpm", "reload", "--fpm-config", p.path("php-fpm.conf")).CombinedOutput()
	return string(out), err
}

// TestTwoEngines has one master with two PHPs: each with its own php.ini, opcache and extensions. None may lose a request by a
// reload, by the end of the other's zygote, or by an engine that is broken at a reload.
func TestTwoEngines(t *testing.T) {
	other := findAnotherPHP(t)
	d := twoEngines(t, other)
	debian := d.who(t, "debian").Version
	if debian == other.version {
		t.Fatalf("both are PHP %s: what is whose could not be told", debian)
	}
	t.Run("what is whose", func(t *testing.T) { whatIsWhose(t, d, other) })
	t.Run("reload under load", func(t *testing.T) {
		first, endFirst := d.load(t, "debian", debian)
		second, endSecond := d.load(t, "other", other.version)
		for range 4 {
			if said, err := d.place.reload(); err != nil {
				t.Errorf("phpsapi fpm reload: %v: %s", err, said)
			}
			before, before2 := first.Load(), second.Load()
			d.place.eventually("both pools answer", func() bool { return first.Load() > before+50 && second.Load() > before2+50 })
		}
		if endFirst()+endSecond() > 0 {
			t.Error("requests were lost")
		}
	})
	t.Run("the end of a zygote", func(t *testing.T) { endOfAZygote(t, d, other, debian) })
	t.Run("a broken engine at a reload", func(t *testing.T) { brokenAtReload(t, d, other, debian) })
}

func whatIsWhose(t *testing.T, d *door, other anotherPHP) {
	for range 3 {
		for _, pool := range []string{"debian", "other"} {
			if _, err := d.ask("/" + pool + "/" + pool + ".php"); err != nil {
				t.Fatal(err)
			}
		}
	}
	first, second := d.who(t, "debian"), d.who(t, "other")
	t.Logf("Debian's: %+v", first)
	t.Logf("the other: %+v", second)
	dir := "/etc/php/" + processes.Stock().Version + "/fpm"
	if first.INI != dir || first.Loaded != dir+"/php.ini" || !strings.Contains(first.Scanned, dir+"/conf.d/") {
		t.Errorf("Debian's php.ini is looked for in %s, %s, %s", first.INI, first.Loaded, first.Scanned)
	}
	if second.Version != other.version || second.INI != other.ini || second.Loaded != filepath.Join(other.ini, "php.ini") || strings.Contains(second.Scanned, "/etc/php/") {
		t.Errorf("the other is PHP %s, and its php.ini is looked for in %s, %s, %s", second.Version, second.INI, second.Loaded, second.Scanned)
	}
	if first.Extensions == second.Extensions || second.Extensions != other.extensions || slices.Equal(first.Modules, second.Modules) {
		t.Errorf("extensions: %s and %s", first.Extensions, second.Extensions)
	}
	if first.Opcache.Version != first.Version || second.Opcache.Version != second.Version {
		t.Errorf("opcache: %+v and %+v", first.Opcache, second.Opcache)
	}
	// Each has cached the script that only it was asked for.
	if !slices.Contains(first.Cached, "debian.php") || slices.Contains(first.Cached, "other.php") ||
		!slices.Contains(second.Cached, "other.php") || slices.Contains(second.Cached, "debian.php") {
		t.Errorf("cached: %q and %q", first.Cached, second.Cached)
	}
}

// zygote returns the zygote of an engine.
func (d *door) zygote(t *testing.T, engine string) int {
	t.Helper()
	all := processes.Titled(d.pid, "php-fpm: zygote process (PHP "+engine+")")
	if len(all) != 1 {
		t.Fatalf("%d zygotes of %s", len(all), engine)
	}
	return all[0]
}

func endOfAZygote(t *testing.T, d *door, other anotherPHP, debian string) {
	p := d.place
	p.wanted = append(p.wanted, "the process that forks the workers of generation ")
	untouched := d.zygote(t, processes.Stock().Libphp)
	workers := processes.Titled(d.pid, "php-fpm: pool debian")
	killed := d.zygote(t, other.libphp)
	asked, end := d.load(t, "debian", debian)
	others, endOthers := d.load(t, "other", other.version)
	p.eventually("both pools are under load", func() bool { return asked.Load() > 50 && others.Load() > 50 })
	syscall.Kill(killed, syscall.SIGKILL)
	p.eventually("the other PHP has another zygote", func() bool {
		now := processes.Titled(d.pid, "php-fpm: zygote process (PHP "+other.libphp+")")
		return len(now) == 1 && now[0] != killed && strings.Contains(p.log("fpm-error.log"), "another process forks the workers")
	})
	before, beforeOthers := asked.Load(), others.Load()
	p.eventually("both pools answer", func() bool { return asked.Load() > before+100 && others.Load() > beforeOthers+100 })
	if end() > 0 {
		t.Error("Debian's pool has lost requests by the end of the other's zygote")
	}
	if endOthers() > 0 {
		t.Error("the other pool has lost requests by the end of its zygote")
	}
	if now := d.zygote(t, processes.Stock().Libphp); now != untouched {
		t.Errorf("Debian's zygote was %d and is %d", untouched, now)
	}
	if now := processes.Titled(d.pid, "php-fpm: pool debian"); !slices.Equal(now, workers) {
		t.Errorf("Debian's workers were %v and are %v", workers, now)
	}
}

func brokenAtReload(t *testing.T, d *door, other anotherPHP, debian string) {
	p := d.place
	p.wanted = append(p.wanted, "reload failed, the old configuration keeps serving", ": is cut off: ", "FPM initialization failed")
	text, err := os.ReadFile(other.libphp)
	if err != nil {
		t.Fatal(err)
	}
	cut := p.path("cut.so")
	if err := os.WriteFile(cut, text[:len(text)/2], 0o755); err != nil {
		t.Fatal(err)
	}
	serving := func() []int { // zygotes and workers
		return slices.Concat([]int{d.zygote(t, processes.Stock().Libphp), d.zygote(t, other.libphp)}, processes.Titled(d.pid, "php-fpm: pool "))
	}
	before := serving()
	p.engine(cut, d.address)
	_, end := d.load(t, "debian", debian)
	_, endOthers := d.load(t, "other", other.version)
	said, err := p.reload()
	for _, want := range []string{p.path("phpsapi.yaml") + ":8: pools: other: engine: " + cut, "is cut off: it has " + strconv.Itoa(len(text)/2) + " bytes"} {
		if err == nil || !strings.Contains(said, want) {
			t.Errorf("phpsapi fpm reload: %v: %s\nwant %s", err, said, want)
		}
	}
	test := exec.Command(filepath.Join(ours, "phpsapi"), "fpm", "test", "--fpm-config", p.path("php-fpm.conf"))
	if said, err := test.CombinedOutput(); err == nil || !strings.Contains(string(said), ":8: pools: other: engine: ") {
		t.Errorf("phpsapi fpm test: %v: %s", err, said)
	}
	if now := serving(); !slices.Equal(now, before) || len(now) != 6 {
		t.Errorf("the zygotes and workers were %v and are %v", before, now)
	}
	p.engine(other.libphp, d.address)
	if said, err := p.reload(); err != nil {
		t.Errorf("phpsapi fpm reload, with the earlier engine: %v: %s", err, said)
	}
	if end()+endOthers() > 0 {
		t.Error("requests were lost")
	}
}
