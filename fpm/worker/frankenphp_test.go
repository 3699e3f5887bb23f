package worker

import (
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/contract"
)

// FrankenPHP's functions are there in every worker, so that applications that ask for them by name find them.
func TestFunctionsOfFrankenPHPInOrdinaryWorkers(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	p.spawn()
	p.write("functions.php", `<?php
header('X-A: 1');
echo json_encode([frankenphp_request_headers() === getallheaders(), getallheaders()['X-Token'],
	frankenphp_response_headers()['X-A'], apache_response_headers() === frankenphp_response_headers(),
	function_exists('frankenphp_handle_request'), function_exists('mercure_publish'),
	FRANKENPHP_LOG_LEVEL_DEBUG, FRANKENPHP_LOG_LEVEL_INFO, FRANKENPHP_LOG_LEVEL_WARN, FRANKENPHP_LOG_LEVEL_ERROR]);
frankenphp_finish_request() || die('not finished');
echo 'after', frankenphp_finish_request() ? 'twice' : '';`)
	conn := dial(t, p.Socket)
	defer conn.Close()
	if got, want := ask(t, conn, get(p.Dir, "functions.php", "HTTP_X_TOKEN", "token")), `[true,"token","1",true,false,false,-4,0,4,8]`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestFrankenPHPLog(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	c := p.spawn()
	for _, test := range []struct{ arguments, want string }{
		{`'message'`, "2message"},
		{`"two\nlines", FRANKENPHP_LOG_LEVEL_WARN`, "3two\nlines"},
		{`'m', FRANKENPHP_LOG_LEVEL_ERROR, ['user' => 'ä/b', 'n' => [1, 2.5, null]]`, `4m {"user":"ä/b","n":[1,2.5,null]}`},
		{`'m', context: ["bad \xff" => NAN]`, "2m {\"bad \ufffd\":0}"},
		{`'m', 99, []`, "4m"},
		{`'m', 3`, "2m"},
		{`''`, "2"},
	} {
		p.write("log.php", "<?php frankenphp_log("+test.arguments+");")
		got := get(p.Dir, "log.php").do(t, p.Socket)
		if got.stderr != "" {
			t.Errorf("%s: the client got %q", test.arguments, got.stderr)
		}
		if letter, _, text := c.receive(t); letter != contract.Say || text != test.want {
			t.Errorf("%s: the worker said %c%q, want %q", test.arguments, letter, text, test.want)
		}
	}
}

// What is below log_level does not reach the master.
func TestFrankenPHPLogHeedsLogLevel(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	c := p.spawn()
	p.write("log.php", "<?php frankenphp_log('debug', FRANKENPHP_LOG_LEVEL_DEBUG); frankenphp_log('info');")
	get(p.Dir, "log.php").do(t, p.Socket)
	if _, _, text := c.receive(t); text != "2info" {
		t.Errorf("the worker said %q", text)
	}
}

// An object of the context that cannot be encoded throws; then nothing is logged.
func TestFrankenPHPLogThrowsWhatAnObjectThrows(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	c := p.spawn()
	p.write("log.php", `<?php class A implements JsonSerializable { function jsonSerialize(): mixed { throw new Exception('not me'); } }
try { frankenphp_log('lost', 0, [new A]); } catch (Exception $e) { frankenphp_log($e->getMessage()); }`)
	get(p.Dir, "log.php").do(t, p.Socket)
	if _, _, text := c.receive(t); text != "2not me" {
		t.Errorf("the worker said %q", text)
	}
}

// At the boot and between two requests there is no client, and the log is there all the same.
func TestFrankenPHPLogOutsideOfRequests(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, `frankenphp_log('boot'); while (frankenphp_handle_request(fn() => print 'answer')) frankenphp_log('between');`)
	c := p.spawn()
	if said := strings.Join(c.said, "|"); said != "S2boot" {
		t.Errorf("the worker said %q", said)
	}
	expectAnswers(t, p, twice(p)[:1], "answer")
	if letter, _, text := c.receive(t); letter != contract.Say || text != "2between" {
		t.Errorf("the worker said %c%q", letter, text)
	}
}
