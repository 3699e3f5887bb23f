package worker

import (
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/sapi"
)

// opcached makes a pool like newScriptPool's with opcache.
func opcached(t *testing.T, code string, settings ...sapi.Setting) *pool {
	t.Helper()
	settings = append([]sapi.Setting{{Name: "zend_extension", Value: "opcache"}, {Name: "opcache.enable", Value: "1"}}, settings...)
	return newScriptPool(t, code, settings...)
}

// quits tells a worker to quit and returns what it has said.
func (c *child) quits(t *testing.T) (said string) {
	t.Helper()
	c.say(contract.Quit, -1)
	for {
		letter, _, text := c.receive(t)
		if letter == 0 {
			return said
		}
		said += string(letter) + text
	}
}

// opcache waits with a restart until no process uses its memory. A worker that runs a worker script never lets go of it: opcache
// stayed full, or with what should have been forgotten.
func TestOpcacheResetAsksForNewWorkers(t *testing.T) {
	t.Parallel()
	p := opcached(t, serving(`json_encode([opcache_reset(), opcache_get_status(false)['restart_pending']])`))
	c := p.spawn()
	conn := dial(t, p.Socket)
	defer conn.Close()
	if got := ask(t, conn, index(p)); got != "[true,false]" {
		t.Errorf("got %s", got)
	}
	if letter, _, _ := c.receive(t); letter != contract.Renew {
		t.Errorf("the worker said %c, want Renew", letter)
	}
}

func TestOpcacheResetHeedsRestrictAPI(t *testing.T) {
	t.Parallel()
	for _, disabled := range []string{"", "opcache_get_status"} {
		p := opcached(t, serving(`json_encode([opcache_reset(), error_get_last()['message'] ?? null])`),
			sapi.Setting{Name: "opcache.restrict_api", Value: "/allowed"}, sapi.Setting{Name: "disable_functions", Value: disabled})
		c := p.spawn()
		conn := dial(t, p.Socket)
		if got := ask(t, conn, index(p)); !strings.HasPrefix(got, "[false,") || !strings.Contains(got, "restrict_api") {
			t.Errorf("got %s", got)
		}
		conn.Close()
		if said := c.quits(t); strings.Contains(said, string(contract.Renew)) {
			t.Errorf("the worker said %q", said)
		}
	}
}

func TestOpcacheResetWithoutOpcache(t *testing.T) {
	t.Parallel()
	p := opcached(t, serving(`json_encode(opcache_reset())`), sapi.Setting{Name: "opcache.enable", Value: "0"})
	c := p.spawn()
	conn := dial(t, p.Socket)
	if got := ask(t, conn, index(p)); got != "false" {
		t.Errorf("got %s", got)
	}
	conn.Close()
	if said := c.quits(t); strings.Contains(said, string(contract.Renew)) {
		t.Errorf("the worker said %q", said)
	}
}

// A full opcache wants a restart, too, and says so to nobody.
func TestFullOpcacheAsksForNewWorkers(t *testing.T) {
	t.Parallel()
	for restricted, want := range map[string]string{"": "true", "/allowed": "null"} {
		// Files are compiled again and again, so that memory is wasted, and then too many.
		p := opcached(t, serving(`(function () {
	[$file, $code] = [$_GET['dir'] . '/compiled.php', '<?php return ' . var_export(range(1, 20000), true) . ';'];
	file_put_contents($file, $code);
	for ($i = 1; $i < 4; $i++) { touch($file, $i); clearstatcache(); opcache_compile_file($file); }
	for ($i = 0; $i < 300; $i++) { file_put_contents("$file$i.php", '<?php return 1;'); opcache_compile_file("$file$i.php"); }
	return json_encode(@opcache_get_status(false)['restart_pending']);
})()`), sapi.Setting{Name: "opcache.max_accelerated_files", Value: "200"}, sapi.Setting{Name: "opcache.max_wasted_percentage", Value: "1"},
			sapi.Setting{Name: "opcache.memory_consumption", Value: "8"}, sapi.Setting{Name: "opcache.interned_strings_buffer", Value: "1"},
			sapi.Setting{Name: "opcache.revalidate_freq", Value: "0"}, sapi.Setting{Name: "opcache.file_update_protection", Value: "0"},
			sapi.Setting{Name: "opcache.restrict_api", Value: restricted})
		c := p.spawn()
		conn := dial(t, p.Socket)
		if got := ask(t, conn, index(p, "QUERY_STRING", "dir="+t.TempDir())); got != want {
			t.Fatalf("got %s; %s", got, p.log())
		}
		conn.Close()
		if letter, _, _ := c.receive(t); letter != contract.Renew {
			t.Errorf("the worker said %c, want Renew", letter)
		}
	}
}
