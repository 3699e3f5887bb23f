package worker

import (
	"testing"

	"github.com/phpsapi/phpsapi/sapi"
)

// Applications ask in every way whether pcntl is there, and must hear the same from all of them.
func TestScriptsSeeNothingOfPCNTLThatIsLeftOut(t *testing.T) {
	t.Parallel()
	const show = `<?php
$seen = [];
if (extension_loaded('pcntl')) $seen[] = 'extension_loaded';
if (in_array('pcntl', get_loaded_extensions())) $seen[] = 'get_loaded_extensions';
if (function_exists('pcntl_fork') || preg_grep('/^pcntl/', get_defined_functions()['internal'])) $seen[] = 'functions';
if (@get_extension_funcs('pcntl')) $seen[] = 'get_extension_funcs';
if (defined('WNOHANG') || defined('SIGTERM') || isset(get_defined_constants(true)['pcntl'])) $seen[] = 'constants';
try { new ReflectionExtension('pcntl'); $seen[] = 'ReflectionExtension'; } catch (ReflectionException $e) {}
try { new ReflectionFunction('pcntl_alarm'); $seen[] = 'ReflectionFunction'; } catch (ReflectionException $e) {}
ob_start(); phpinfo(INFO_MODULES); if (stripos(ob_get_clean(), 'pcntl') !== false) $seen[] = 'phpinfo';
if (function_exists('chroot')) $seen[] = 'chroot, which php-fpm does not have';
try { pcntl_alarm(0); $seen[] = 'a call'; } catch (Error $e) {}
echo implode(', ', $seen) ?: 'nothing';`
	for _, c := range []struct {
		name     string
		without  bool
		settings []sapi.Setting
		want     string
	}{
		{"left out", true, nil, "nothing"},
		{"left out, with opcache", true, []sapi.Setting{{Name: "zend_extension", Value: "opcache"}}, "nothing"},
		{"there", false, nil, "extension_loaded, get_loaded_extensions, functions, get_extension_funcs, constants, " +
			"ReflectionExtension, ReflectionFunction, phpinfo, a call"},
	} {
		p := newPoolOf(t, func(m *sapi.Module) { m.WithoutPCNTL = c.without }, nil, c.settings...)
		w := p.spawn()
		p.write("show.php", show)
		for range 2 { // compiled, and from the cache
			conn := dial(t, p.Socket)
			if got := ask(t, conn, get(p.Dir, "show.php")); got != c.want {
				t.Errorf("%s: a script sees %s", c.name, got)
			}
			conn.Close()
		}
		w.say('Q', -1)
		if e := p.exit(); !e.Status.Exited() || e.Status.ExitStatus() != 0 {
			t.Errorf("%s: the worker ended with %v: %s", c.name, e.Status, p.log())
		}
	}
}
