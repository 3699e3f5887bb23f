package worker

import "testing"

// CodeIgniter takes itself for a command-line program if it finds no REQUEST_METHOD at its boot, and then answers no request.
func TestBootHasARequestMethod(t *testing.T) {
	t.Parallel()
	p := newScriptPool(t, "$boot = [$_SERVER['REQUEST_METHOD'] ?? 'none', isset($_SERVER['REMOTE_ADDR'])];"+
		serving(`json_encode([$GLOBALS['boot'], $_SERVER['REQUEST_METHOD']])`))
	p.spawn()
	conn := dial(t, p.Socket)
	defer conn.Close()
	if got := ask(t, conn, index(p, "REQUEST_METHOD", "PUT")); got != `[["GET",false],"PUT"]` {
		t.Errorf("got %s", got)
	}
}
