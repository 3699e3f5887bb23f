// Counterpart: sapi/fpm/fpm/fpm_php_trace.c

package worker

import (
	"fmt"
	"runtime"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/lifecycle"
)

// serveTraces writes PHP's stack to the slow log whenever the master asks, until the master is gone. It is a thread of
// its own, since the main one is busy with the request that takes so long, and takes no signals, which are PHP's.
func (k *worker) serveTraces(socket int) {
	runtime.LockOSThread()
	blockSignals()
	stack := lifecycle.NewStack()
	master := &channel{fd: socket}
	for {
		letter, log := master.receive()
		if letter == 0 {
			return
		}
		if letter == contract.Trace && log >= 0 {
			answer := append([]byte{contract.Trace}, k.trace(stack, log)...)
			unix.SendmsgN(socket, answer, nil, nil, unix.MSG_NOSIGNAL)
		}
		if log >= 0 {
			unix.Close(log)
		}
	}
}

// The C library's own signals: with the one it cancels a thread, with the other it has every thread change its user and
// groups.
const (
	sigCancel = 32
	sigSetxid = 33
)

// blockSignals closes the calling thread to all signals but the C library's own. setuid(2) and its like wait until
// every thread has taken theirs: one that blocks it lets a script's posix_setuid() wait for ever.
func blockSignals() {
	var set unix.Sigset_t
	for i := range set.Val {
		set.Val[i] = ^set.Val[i]
	}
	for _, sig := range [...]int{sigCancel, sigSetxid} {
		bits := int(unsafe.Sizeof(set.Val[0])) * 8
		set.Val[(sig-1)/bits] &^= 1 << ((sig - 1) % bits)
	}
	unix.PthreadSigmask(unix.SIG_SETMASK, &set, nil)
}

// trace writes the stack to the slow log, in one write. The result says why it could not; "" if it could.
func (k *worker) trace(stack *lifecycle.Stack, log int) string {
	var b strings.Builder
	b.WriteByte('\n')
	b.Write(zlog.AppendTime(nil, time.Now(), k.spec.Global.LogLevel == zlog.Debug))
	fmt.Fprintf(&b, " [pool %s] pid %d\n", k.pool.Name, k.pid)
	script, err := stack.Script()
	if err == nil && script == "" {
		return "no request is running"
	}
	if err == nil {
		fmt.Fprintf(&b, "script_filename = %s\n", script)
		var frames []lifecycle.Frame
		frames, err = stack.Frames(k.traceDepth())
		for _, f := range frames {
			if f.File == "" {
				f.File = "unknown"
			}
			fmt.Fprintf(&b, "[0x%016x] %s() %s:%d\n", f.Address, f.Function, f.File, f.Line)
		}
	}
	if err != nil {
		b.WriteString("+++ dump failed\n")
	}
	if _, err := unix.Write(log, []byte(b.String())); err != nil {
		return err.Error()
	}
	return ""
}

func (k *worker) traceDepth() int {
	if n := k.pool.RequestSlowlogTraceDepth; n > 0 {
		return n
	}
	return 1 << 10
}
