// Counterpart: sapi/fpm/fpm/fpm_status.c (fpm_status_handle_request)

package worker

import (
	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/status"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/lifecycle"
)

// isPing reports whether the request is for the ping page.
func (k *worker) isPing() bool { return k.isFor(&k.pool.PingPath) }

// isStatus reports whether the request is for the status page.
func (k *worker) isStatus() bool {
	if k.pool.Shared != nil && !k.pool.StatusPath.Set {
		return k.isFor(&k.pool.Shared.StatusPath)
	}
	return k.isFor(&k.pool.StatusPath)
}

func (k *worker) isFor(path *conf.Text) bool {
	uri := k.responder.ForPHP.Path.URI
	return path.Set && uri != nil && string(uri) == path.Value
}

// answerSpecially answers a request for the ping page or the status page; false: it is for neither.
func (k *worker) answerSpecially() bool {
	head := string(k.responder.ForPHP.Method) == "HEAD"
	if k.isPing() {
		k.slot.Executing()
		k.send1(status.Ping(k.pool.PingResponse.Value, head))
		return true
	}
	if !k.isStatus() {
		return false
	}
	k.slot.Executing()
	snapshot, ok := status.Take(k.shown, k.php)
	if !ok {
		k.log.Log(zlog.Error, "status: unable to find or access status shared memory")
		k.send1(status.Failure())
		return true
	}
	k.send1(status.NewPage(snapshot, status.Choose(string(k.responder.ForPHP.QueryString), k.php), head))
	return true
}

// send1 has PHP send a page.
func (k *worker) send1(p status.Page) {
	for _, line := range p.Headers {
		k.responder.PHP.Header(line)
	}
	k.responder.PHP.Answer(p.Status, p.Body)
}

// Status is fpm_get_status().
func (k *worker) Status(into lifecycle.Array) bool {
	snapshot, ok := status.Take(k.shown, k.php)
	if !ok {
		k.log.Log(zlog.Error, "status: unable to find or access status shared memory")
		return false
	}
	fill(into, snapshot.Function())
	return true
}

func fill(into lifecycle.Array, entries []status.Entry) {
	for _, e := range entries {
		switch v := e.Value.(type) {
		case int64:
			into.SetInt(e.Name, v)
		case float64:
			into.SetFloat(e.Name, v)
		case string:
			into.SetString(e.Name, v)
		case [][]status.Entry:
			list := into.SetArray(e.Name)
			for _, element := range v {
				fill(list.AppendArray(), element)
			}
		}
	}
}

// openShown opens the scoreboard whose status the pool shows: its own, or another's with pm.status_listen.
func (k *worker) openShown(fd int) error {
	if fd < 0 {
		k.shown = k.slot.Reader
		return nil
	}
	reader, err := scoreboard.OpenReader(fd, k.pool.Shared.Slots())
	k.shown = reader
	return err
}
