package worker

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/front/site"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/lifecycle"
	"github.com/phpsapi/phpsapi/sapi"
)

// workerScript is the script of a worker in worker mode, which takes the requests itself: PHP calls NextRequest and
// RequestDone.
type workerScript struct {
	*contract.WorkerMode
	k         *worker
	answers   *site.WorkerScripts
	to        int    // the socket on which others are handed on
	booted    bool   // it has asked for a request
	retiring  bool   // a successor was asked for
	told      bool   // the script, that it is to end
	said      []byte // what it has printed at its boot, up to the last line's end
	handingOn []byte
}

// others is the socket on which connections are handed on; -1: none.
func (s *workerScript) others() int {
	if s == nil {
		return -1
	}
	return s.to
}

// takeWorkerMode makes the worker ready for its kind of work.
func (k *worker) takeWorkerMode(files []int) {
	if k.spec.Handed {
		k.handed = &handed{}
	}
	if k.spec.WorkerMode == nil {
		return
	}
	s := &workerScript{WorkerMode: k.spec.WorkerMode, k: k, to: -1, answers: site.NewWorkerScripts(k.spec.WorkerMode.For)}
	if i := k.spec.File(contract.Others); i >= 0 {
		s.to = files[i]
	}
	k.script = s
}

// runScript runs the worker script until it ends. If it ends before its first request the worker stays, and says so to all
// who ask for it.
func (k *worker) runScript() {
	s := k.script
	s.answers.Look()
	k.responder.HandsOn = true
	if s.Snapshot {
		k.finishScript(k.responder.PHP.ResumeWorkerScript(s))
		return
	}
	if why := unreadable(s.Script); why != "" {
		k.control.say(contract.Unbooted, why)
		k.standIn()
		return
	}
	within, err := k.responder.PHP.RunWorkerScript(s.Script, lifecycle.BootRequest(s.Script), s, s.Strict)
	if err != nil {
		k.broken, k.leaving = true, true
		return
	}
	k.finishScript(within)
}

// unreadable says why a script cannot be read; empty: it can. PHP would say only that it failed to open what is required.
func unreadable(script string) string {
	err := unix.Access(script, unix.R_OK)
	if err == nil {
		return ""
	}
	for i := 1; i < len(script); i++ {
		if script[i] != '/' {
			continue
		}
		if err := unix.Access(script[:i], unix.X_OK); err != nil {
			return sapi.BootUnreadable(script[:i], err)
		}
	}
	return sapi.BootUnreadable(script, err)
}

// finishScript is for after the script's end, which may have been within a request.
func (k *worker) finishScript(within bool) {
	s := k.script
	if within {
		k.end()
	}
	failure, fatal := s.failure()
	why := scoreboard.ByExit
	if fatal {
		why = scoreboard.ByFatal
	}
	if s.booted && !k.leaving {
		k.control.say(contract.Retire, why.String())
	}
	if s.booted && (within || fatal) {
		where, said := "outside", ""
		if within {
			where = "request"
		}
		if fatal {
			said = failure
		}
		k.control.say(contract.Ended, fmt.Sprintf("%s %s %.1000s", why, where, said))
	}
	k.responder.Shutdown()
	s.saidAll()
	switch {
	case within:
		k.leaving = true
		k.endTalk(k.finish())
	case !s.booted:
		k.control.say(contract.Unbooted, failure)
		k.standIn()
	}
}

// standIn waits until the master says that this worker is to serve though its script has not booted, and does so.
func (k *worker) standIn() {
	for !k.leaving {
		polled := []unix.PollFd{{Fd: int32(k.control.fd), Events: unix.POLLIN}, {Fd: int32(k.quit), Events: unix.POLLIN}}
		if n, err := unix.Poll(polled, -1); n <= 0 || err != nil {
			continue
		}
		if polled[1].Revents != 0 {
			k.leaving = true
			return
		}
		if k.control.isTold(contract.StandIn) {
			k.control.receive()
			k.control.send(contract.Ready, -1)
			k.serve()
			return
		}
		k.hear()
	}
}

// failure returns why a script ended, and whether it was an error.
func (s *workerScript) failure() (text string, fatal bool) {
	if e, ok := s.k.responder.PHP.LastError(); ok && e.Fatal {
		return sapi.BootFailed(e.Message, e.File, e.Line), true
	}
	return sapi.BootEnded(s.k.engine.ExitStatus()), false
}

// NextRequest waits for a request for the script and returns it, or nil if the worker is to end. Requests for other scripts are
// handed on. A script that calls it after that has ignored the nil.
func (s *workerScript) NextRequest() *lifecycle.WebRequest {
	k := s.k
	if s.told {
		k.control.send(contract.Heedless, -1)
		return nil
	}
	if !s.booted {
		s.booted = true
		s.saidAll()
		k.control.send(contract.Ready, -1)
	}
	for {
		for k.talk.goes {
			switch {
			case !k.read():
				k.endTalk(false)
			case s.isMine():
				s.begin()
				return &k.responder.ForPHP
			default:
				k.handOn()
			}
		}
		if k.leaving || !k.wait() {
			s.leave()
			s.told = true
			k.slot.Accepting() // what it does from now on is not a request's
			return nil
		}
	}
}

// leave ends the process if it was forked within the script: what the script has is all workers', and it must not end it.
func (s *workerScript) leave() {
	if !s.Snapshot {
		return
	}
	s.k.park()
	s.k.endProfile()
	if s.k.web != nil {
		s.k.web.WriteLines()
	}
	status := exitOK
	if s.k.broken {
		status = exitSoftware
	}
	os.Exit(status)
}

// isMine reports whether the request that was read is for the script. If a link has been switched since the boot, requests
// for its new target are: a reload is about to follow.
func (s *workerScript) isMine() bool {
	r := &s.k.responder.ForPHP
	if r.Method == nil {
		return false
	}
	asked := func(name string) bool { return name == string(r.Path.Filename) }
	if slices.ContainsFunc(s.answers.Names(), asked) {
		return true
	}
	names, _ := s.answers.Look()
	return slices.ContainsFunc(names, asked)
}

func (s *workerScript) begin() {
	k := s.k
	k.note()
	k.said = false
	k.responder.Take()
	if p := &k.responder.Request.Params; p.Get("PHP_VALUE") != nil || p.Get("PHP_ADMIN_VALUE") != nil {
		k.log.Log(zlog.Warning, "PHP_VALUE and PHP_ADMIN_VALUE of a request have no effect on a worker script: set them for the pool, by php_value and php_admin_value")
	}
	if s.Snapshot && k.requests+1 >= s.MaxRequests { // the last one: another worker may begin meanwhile
		s.retire(scoreboard.ByMaxRequests)
	}
	k.executing()
}

// RequestDone ends a request that the script has answered.
func (s *workerScript) RequestDone() {
	k := s.k
	k.authorize()
	k.end()
	k.responder.Release()
	if k.responder.PHP.Stale() {
		s.retire(scoreboard.ByLeftovers)
	}
	if s.MaxRequests > 0 && k.requests+1 >= s.MaxRequests {
		s.retire(scoreboard.ByMaxRequests)
		if s.Snapshot {
			k.leaving = true
		}
	}
	s.weigh()
	k.endTalk(k.finish())
}

// retire asks for a successor, once.
func (s *workerScript) retire(why scoreboard.Reason) {
	if !s.retiring {
		s.retiring = true
		s.k.control.say(contract.Retire, why.String())
	}
}

// weigh looks at the worker's memory: at first when what is filled by the first requests is filled.
func (s *workerScript) weigh() {
	k := s.k
	interval := memoryInterval
	if s.MaxMemory == 0 {
		interval = rareMemoryInterval
	}
	if (k.requests+1)%interval != 0 {
		return
	}
	own := k.ownMemory()
	if k.requests+1 >= rareMemoryInterval {
		k.slot.Memory(own)
	}
	if s.MaxMemory > 0 && own > s.MaxMemory {
		s.retire(scoreboard.ByMaxMemory)
	}
}

// Renew asks for a new generation.
func (s *workerScript) Renew() { s.k.control.send(contract.Renew, -1) }

// Aside takes what the script prints at its boot: each line goes to the error log.
func (s *workerScript) Aside(p []byte) {
	s.said = append(s.said, p...)
	for {
		line, rest, whole := bytes.Cut(s.said, []byte("\n"))
		if !whole && len(s.said) < contract.MaxMessage/2 {
			return
		}
		s.say(line)
		s.said = append(s.said[:0], rest...)
	}
}

func (s *workerScript) saidAll() {
	s.say(s.said)
	s.said = nil
}

func (s *workerScript) say(line []byte) {
	if text := strings.TrimSpace(string(line)); text != "" {
		s.k.report(zlog.Notice, "the worker script printed: "+text)
	}
}

// answerUnbooted answers in place of a worker script that could not be booted.
func (k *worker) answerUnbooted() {
	k.responder.PHP.Header("Retry-After: 1")
	k.responder.PHP.Answer(503, unbooted)
}

var unbooted = []byte("The application could not be started; the error log says why.\n")

// After how many requests the worker's memory is looked at: if it has a limit, and if not.
const (
	memoryInterval     = 8
	rareMemoryInterval = 128
)

// ownMemory returns how many bytes the process has for itself; 0 if that is not known.
func (k *worker) ownMemory() int64 {
	fd := k.statm
	if fd < 0 {
		var err error
		if fd, err = openStatm(); err != nil {
			return 0
		}
		defer unix.Close(fd)
	}
	var b [128]byte
	n, _ := unix.Pread(fd, b[:], 0)
	var size, resident, shared int64
	fmt.Sscanf(string(b[:max(n, 0)]), "%d %d %d", &size, &resident, &shared)
	return (resident - shared) * int64(unix.Getpagesize())
}

// openStatm opens the kernel's figures of the process's memory.
func openStatm() (int, error) {
	return unix.Open("/proc/self/statm", unix.O_RDONLY|unix.O_CLOEXEC, 0)
}
