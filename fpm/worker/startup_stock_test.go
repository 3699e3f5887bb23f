package worker

import (
	"fmt"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/sapi"
)

// A request that PHP cannot start, here for lack of memory, ends as php-fpm's does: the worker is of no more use, and its client is told that
// the request has ended.
func TestStartupThatFailsAsStock(t *testing.T) {
	t.Parallel()
	p := newPair(t, conf.KeyValue{Key: "memory_limit", Value: "4M"}, conf.KeyValue{Key: "post_max_size", Value: "0"})
	p.write(t, "a.php", `<?php echo "never";`)
	r := get(p.dir, "a.php", "CONTENT_TYPE", "application/x-www-form-urlencoded")
	r.Params[1] = "POST"
	r.Body = "a=" + strings.Repeat("x", 6_000_000)
	r.Params = append(r.Params, "CONTENT_LENGTH", fmt.Sprint(len(r.Body)))
	p.compare(t, "startup", r)
}

// With display_errors off php-fpm says nothing at all, of which a web server makes 502.
func TestStartupThatFailsHasAStatus(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil, sapi.Setting{Name: "memory_limit", Value: "4M"}, sapi.Setting{Name: "post_max_size", Value: "0"}, sapi.Setting{Name: "display_errors", Value: "0"})
	p.spawn()
	p.write("a.php", `<?php echo "never";`)
	r := get(p.Dir, "a.php", "CONTENT_TYPE", "application/x-www-form-urlencoded")
	r.Params[1] = "POST"
	r.Body = "a=" + strings.Repeat("x", 6_000_000)
	r.Params = append(r.Params, "CONTENT_LENGTH", fmt.Sprint(len(r.Body)))
	if got := r.do(t, p.Socket); got.err != nil || !strings.HasPrefix(got.stdout, "Status: 500 Internal Server Error\r\n") {
		t.Errorf("got %v", got)
	}
	if e := p.exit(); !e.Status.Exited() || e.Status.ExitStatus() != exitSoftware {
		t.Errorf("the worker ended with status %v", e.Status)
	}
}
