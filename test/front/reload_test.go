package front

import (
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/phpsapi/phpsapi/test/exchange"
	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
)

// askPool sends a request to a pool's socket and returns the response's body.
func askPool(socket, script string) (string, error) {
	got := exchange.Ask(socket, &exchange.Request{Params: []string{"REQUEST_METHOD", "GET", "SCRIPT_FILENAME", script, "SCRIPT_NAME", "/x.php", "QUERY_STRING", ""}})
	return got.Body(), got.Err
}

// An old worker that was told to go took the connection that had woken it: after a reload some requests were answered with
// the old settings. And none may be lost by it.
func TestNothingIsAnsweredByOldSettingsAfterAReload(t *testing.T) {
	t.Parallel()
	address := serve.Address(t)
	conf := configured(t, "http: {listen: '"+address+"', root: .}\n")
	dir := filepath.Dir(conf)
	text := files.Read(t, conf)
	set := func(n int) { files.Write(t, conf, text+fmt.Sprintf("php_value[user_agent] = %d\n", n)) }
	set(0)
	files.Write(t, dir+"/agent.php", "<?php echo ini_get('user_agent');")
	s := start(t, address, nil, "-y", conf, "-F", "-O")
	var stop atomic.Bool
	var clients sync.WaitGroup
	for range 3 {
		clients.Go(func() {
			for !stop.Load() {
				if _, err := askPool(dir+"/sock", dir+"/agent.php"); err != nil {
					t.Errorf("a request was lost: %v", err)
					return
				}
			}
		})
	}
	for n := 1; n <= 8; n++ {
		set(n)
		s.Order("reload")
		for range 10 {
			if got, err := askPool(dir+"/sock", dir+"/agent.php"); got != strconv.Itoa(n) {
				t.Errorf("after reload %d the settings of %q answer; %v", n, got, err)
			}
		}
	}
	stop.Store(true)
	clients.Wait()
}
