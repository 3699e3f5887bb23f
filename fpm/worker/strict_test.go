package worker

import (
	"fmt"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/sapi"
)

// doing is a worker script whose requests evaluate the expression do.
const doing = `while (frankenphp_handle_request(function () { echo json_encode(eval('return ' . $_GET['do'] . ';')); }));`

// do has a worker script of doing's evaluate an expression.
func do(t *testing.T, p *pool, expression string) string {
	t.Helper()
	conn := dial(t, p.Socket)
	defer conn.Close()
	escaped := ""
	for _, c := range []byte(expression) {
		escaped += fmt.Sprintf("%%%02x", c)
	}
	return ask(t, conn, index(p, "QUERY_STRING", "do="+escaped))
}

// What one request changed of PHP and of the process the next one found, which is as FrankenPHP has it. With reset: strict it
// does not.
func TestResetOfWhatARequestChanges(t *testing.T) {
	t.Parallel()
	const (
		errors     = `[set_error_handler(null), restore_error_handler()]`
		exceptions = `[set_exception_handler(null), restore_exception_handler()]`
	)
	p := newScriptPool(t, "", sapi.Setting{Name: "variables_order", Value: "EGPCS"}) // its zygote forks a worker for each case
	for _, test := range []struct{ name, boot, change, look string }{
		{"setting", "", `ini_set('precision', '5')`, `ini_get('precision')`},
		{"setting of the boot", `ini_set('precision', '6');`, `ini_set('precision', '5')`, `ini_get('precision')`},
		{"setting of the boot, restored", `ini_set('precision', '6');`, `ini_restore('precision')`, `ini_get('precision')`},
		{"setting that can only be made stricter", "", `ini_set('open_basedir', '/')`, `ini_get('open_basedir')`},
		{"errors that are reported", "", `error_reporting(E_ERROR)`, `error_reporting()`},
		{"errors that the boot reports", `error_reporting(E_ALL & ~E_NOTICE); @$a[1];`, `error_reporting(0)`, `error_reporting()`},
		{"time limit", `set_time_limit(300);`, `set_time_limit(100)`, `ini_get('max_execution_time')`},
		{"error handler", ``, `set_error_handler('strlen')`, errors},
		{"error handler of the boot", `set_error_handler('strlen');`, `set_error_handler('strrev')`, errors},
		{"error handler of the boot, removed", `set_error_handler('strlen');`, `restore_error_handler()`, errors},
		{"error handlers of the boot, removed", `set_error_handler('strlen'); set_error_handler('strrev');`,
			`restore_error_handler() . restore_error_handler() . set_error_handler('trim')`, `[restore_error_handler(), set_error_handler('trim')]`},
		{"errors that the handler is for", `set_error_handler(function () { echo 'handled'; return true; }, E_WARNING);`,
			`set_error_handler(fn() => true, E_ERROR)`, `[trigger_error('a', E_USER_NOTICE), hex2bin('a')]`},
		{"exception handler", ``, `set_exception_handler('strlen')`, exceptions},
		{"exception handler of the boot", `set_exception_handler(fn() => 1);`, `restore_exception_handler()`,
			`[set_exception_handler(null) === null, restore_exception_handler()]`},
		{"directory", ``, `chdir('/')`, `getcwd()`},
		{"directory of the boot", `chdir('/usr');`, `chdir('/')`, `getcwd()`},
		{"mask", ``, `umask(0)`, `umask()`},
		{"mask of the boot", `umask(077);`, `umask(0)`, `umask()`},
		{"locale", `setlocale(LC_ALL, 'C');`, `setlocale(LC_ALL, 'C.UTF-8')`, `setlocale(LC_ALL, 0)`},
		{"one category", `setlocale(LC_ALL, 'C.UTF-8');`, `setlocale(LC_NUMERIC, 'C')`, `setlocale(LC_ALL, 0)`},
		{"time zone", ``, `date_default_timezone_set('Asia/Tokyo')`, `date_default_timezone_get()`},
		{"time zone of the boot", `date_default_timezone_set('Europe/Berlin');`, `date_default_timezone_set('Asia/Tokyo')`, `date_default_timezone_get()`},
		{"time zone by the setting", ``, `date_default_timezone_set('Asia/Tokyo')`,
			`[ini_set('date.timezone', 'Europe/Berlin'), date_default_timezone_get()]`},
		{"variable of the environment", ``, `putenv('A=1')`, `getenv('A')`},
		{"variable of the boot", `putenv('A=0');`, `putenv('A=1')`, `getenv('A')`},
		{"variable of the boot, removed", `putenv('A=0');`, `putenv('A')`, `getenv('A')`},
		{"variable of the boot's environment", ``, `putenv('PATH=/')`, `getenv('PATH')`},
		{"all variables", `putenv('A=0');`, `[putenv('A=1'), putenv('B=2'), putenv('PATH')]`, `array_diff_key(getenv(), $_GET + $_SERVER)+[getenv('A'), getenv('B'), getenv('PATH')]`},
		{"$_ENV", ``, `$_ENV['a'] = 1`, `$_ENV['a'] ?? null`},
		{"$_ENV of the boot", `$_ENV['a'] = 0;`, `[$_ENV = ['a' => 1]]`, `[$_ENV['a'], count($_ENV)]`},
	} {
		for _, strict := range []bool{false, true} {
			t.Run(fmt.Sprint(test.name, ", strict ", strict), func(t *testing.T) {
				p.t = t
				p.write("public/worker.php", "<?php\n"+test.boot+doing)
				p.script.Strict = strict
				p.spawn()
				before := do(t, p, test.look)
				for range 2 {
					do(t, p, test.change)
					if after := do(t, p, test.look); (before == after) != strict {
						t.Errorf("got %s before and %s after the change; %s", before, after, p.log())
					}
				}
				p.endAll()
			})
		}
	}
}

// Applications set what concerns sessions once, when the first request needs one.
func TestSettingsOfSessionsStay(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, doing)
	p.script.Strict = true
	p.spawn()
	do(t, p, `ini_set('session.save_path', '/a')`)
	if got := do(t, p, `ini_get('session.save_path')`); got != `"\/a"` {
		t.Errorf("got %s", got)
	}
}

// Random numbers of one request followed from the seed that another had set.
func TestResetOfRandomNumbers(t *testing.T) {
	t.Parallel()
	for _, strict := range []bool{false, true} {
		p := newScriptPool(t, doing)
		p.script.Strict = strict
		p.spawn()
		do(t, p, `mt_srand(1)`)
		if got := do(t, p, `mt_rand()`); (got == "895547922") == strict {
			t.Errorf("strict %v: got %s", strict, got)
		}
	}
}

// What the script does after an answer is of that request, too; and a destructor's exception was thrown into the script.
func TestResetAfterTheWorkBehindAnAnswer(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, `class A { function __invoke() {} function __destruct() { throw new Exception('by a destructor'); } }
while (frankenphp_handle_request(function () { echo ini_get('precision'); })) { ini_set('precision', '5'); set_error_handler(new A); }`, sapi.Setting{Name: "log_errors", Value: "1"})
	p.script.Strict = true
	p.spawn()
	conn := dial(t, p.Socket)
	defer conn.Close()
	for range 3 {
		if got := ask(t, conn, index(p)); got != "14" {
			t.Errorf("got %s; %s", got, p.log())
		}
	}
	if !strings.Contains(p.log(), "by a destructor") {
		t.Errorf("the log says %s", p.log())
	}
}

// opcache keeps the directory in mind, and took the file of the other one when nobody told it.
func TestDirectoryThatIsPutBackIsOpcachesToo(t *testing.T) {
	t.Parallel()
	for _, strict := range []bool{false, true} {
		p := opcached(t, `chdir(__DIR__ . '/../a');`+doing, sapi.Setting{Name: "opcache.file_update_protection", Value: "0"})
		p.script.Strict = strict
		p.write("a/part.php", "<?php return 'a';")
		p.write("b/part.php", "<?php return 'b';")
		p.spawn()
		for range 2 {
			if got := do(t, p, `[chdir('`+p.Dir+`/b'), include './part.php']`); got != `[true,"b"]` {
				t.Errorf("got %s", got)
			}
			if got := do(t, p, `include './part.php'`); (got == `"a"`) != strict {
				t.Errorf("strict %v: got %s", strict, got)
			}
		}
	}
}
