// Counterpart: sapi/fpm/fpm/fpm_php_trace.c

package worker

import (
	"fmt"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/lifecycle"
)

// serveTraces tells the master PHP's stack whenever it asks, until it is gone. The master writes the slow log, which may
// be root's. serveTraces is a thread of its own, since the main one is busy with the request that takes so long, and takes
// no signals, which are PHP's.
func (k *worker) serveTraces(socket int) {
	runtime.LockOSThread()
	blockSignals()
	stack := lifecycle.NewStack()
	master := &endpoint{fd: socket}
	for {
		letter, fd := master.receive()
		if letter == 0 {
			return
		}
		if fd >= 0 {
			unix.Close(fd)
		}
		if letter == contract.Profile {
			k.beginProfile(string(master.text[1:master.length]))
		}
		if letter == contract.Trace {
			lines, why := k.trace(stack)
			for len(lines) > 0 {
				n := min(len(lines), contract.MaxMessage-1)
				tellTrace(socket, contract.TraceLines, lines[:n])
				lines = lines[n:]
			}
			tellTrace(socket, contract.Trace, why)
		}
	}
}

func tellTrace(socket int, letter byte, text string) {
	unix.SendmsgN(socket, append([]byte{letter}, text...), nil, nil, unix.MSG_NOSIGNAL)
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

// trace returns the stack as lines of the slow log, or why there is none.
func (k *worker) trace(stack *lifecycle.Stack) (lines, why string) {
	var b strings.Builder
	script, err := stack.Script()
	if err == nil && script == "" {
		return "", "no request is running"
	}
	if err == nil {
		fmt.Fprintf(&b, "script_filename = %s\n", oneLine(script))
		var frames []lifecycle.Frame
		frames, err = stack.Frames(k.traceDepth())
		for _, f := range frames {
			if f.File == "" {
				f.File = "unknown"
			}
			fmt.Fprintf(&b, "[0x%016x] %s() %s:%d\n", f.Address, oneLine(f.Function), oneLine(f.File), f.Line)
		}
	}
	if err != nil {
		b.WriteString("+++ dump failed\n")
	}
	return b.String(), ""
}

// oneLine is a name without line ends, which the master would take for its own.
func oneLine(name string) string { return strings.ReplaceAll(name, "\n", ".") }

func (k *worker) traceDepth() int {
	if n := k.pool.RequestSlowlogTraceDepth; n > 0 {
		return n
	}
	return 1 << 10
}
