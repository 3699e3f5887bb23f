package master

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/fpm/handoff"
	"github.com/phpsapi/phpsapi/fpm/listening"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// upgrade is the part of a reload in which the program itself is replaced. The program is tried beside the loop: asked whether it is
// phpsapi, and started up to the point where it would serve. Then it is executed in the master's place.
type upgrade struct {
	program string
	file    os.FileInfo // when it was tried
	version string
	cancel  context.CancelFunc
	tried   bool // it is to be executed as soon as no zygote is being asked for a worker
}

// Probe is a program's answer to the question whether it can take over a service: what `phpsapi fpm upgrade --probe` prints.
type Probe struct {
	Version string `json:"phpsapi"`
	Formats []int  `json:"handoff"`
}

// WriteProbe writes the Probe of this program.
func WriteProbe(w io.Writer, version string) error {
	return json.NewEncoder(w).Encode(Probe{version, []int{handoff.Format}})
}

const (
	probeTime  = 10 * time.Second // for a program that has to say only what it is
	mostOfText = 64 << 10         // of what a program that is tried says
)

// invokedAs returns the file by whose name this program was executed, which may be a symbolic link: what is installed there later is
// meant by an upgrade. It is the program's own file if the name leads elsewhere.
func invokedAs(name, program string) string {
	path := name
	if !strings.Contains(path, "/") {
		path, _ = exec.LookPath(path)
	}
	if path == "" || isReplaced(path) {
		return program
	}
	if absolute, err := filepath.Abs(path); err == nil {
		return absolute
	}
	return program
}

// takeUpgradeOrder takes the order to upgrade, if an operator has given one. It reports whether a reload is to execute another program: by that
// order, or because another file has taken the place of the one that runs.
func (m *Master) takeUpgradeOrder() bool {
	asked := m.operators.upgrade
	m.operators.upgrade = false
	if m.invoked == "" {
		return false
	}
	if _, err := os.Stat(m.invoked); err != nil && !asked {
		m.log.programGone(m.invoked, err)
		return false
	}
	return asked || isReplaced(m.invoked)
}

// upgradeBy begins to try the program.
func (m *Master) upgradeBy(a *attempt) {
	ctx, cancel := context.WithTimeout(context.Background(), a.patience)
	a.upgrade = &upgrade{program: m.invoked, cancel: cancel}
	a.deadline = a.deadline.Add(2 * probeTime) // the trial has its own, and tells more
	t := &trial{program: m.invoked, argv: m.opt.Argv, box: m.box, h: m.leaveSockets(), executing: true}
	if m.errorLog.Stdout != nil {
		t.h.Stdout = syscall.Stdout // the trial's own, /dev/null
	}
	if err := t.copySockets(); err != nil {
		cancel()
		m.abandonReload(fmt.Errorf("the program %s could not be tried: %w", m.invoked, err))
		return
	}
	m.executing++
	m.tending.Go(func() {
		defer cancel()
		t.run(ctx)
		m.box.post(tried{a, t})
	})
}

// trial is a program that is tried, on a goroutine of its own.
type trial struct {
	program string
	argv    []string
	box     *mailbox
	h       *handoff.Handoff
	files   []*os.File // its descriptors, from 3 on
	pids    []int

	executing bool // the master expects a process
	info      os.FileInfo
	probe     Probe
	report    trialReport
	err       error
}

// trialExecuted tells the pid of a process of a trial, or that there is none.
type trialExecuted struct {
	pid  int // 0: none could be executed
	more bool
}

func (e trialExecuted) happen(m *Master) {
	if e.pid != 0 {
		m.zygotes[e.pid] = true
	}
	if !e.more {
		m.executing--
	}
	m.reap()
}

// copySockets sends the trial copies of the listening sockets, numbered as it will have them: after the handoff, the pipe for its
// report and each other.
func (t *trial) copySockets() error {
	next := 5
	give := func(fd *int) error {
		if *fd < 0 {
			return nil
		}
		own, err := listening.Copy(*fd, "listener")
		if err != nil {
			return err
		}
		t.files = append(t.files, own)
		*fd = next
		next++
		return nil
	}
	for i := range t.h.Sockets {
		s := &t.h.Sockets[i]
		if err := errors.Join(give(&s.FD), give(&s.Path), give(&s.Pair)); err != nil {
			closeFiles(t.files)
			return err
		}
	}
	t.h.Trial = 4
	return nil
}

func (t *trial) run(ctx context.Context) {
	defer closeFiles(t.files)
	t.err = t.ask(ctx)
	if t.err == nil {
		t.err = t.start(ctx)
	}
	if t.executing {
		t.box.post(trialExecuted{})
	}
}

// ask has the program say what it is.
func (t *trial) ask(ctx context.Context) (err error) {
	if t.info, err = os.Stat(t.program); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	c := exec.CommandContext(ctx, t.program)
	c.Args = []string{"phpsapi", "fpm", "upgrade", "--probe"}
	var out bounded
	c.Stdout = &out
	said, err := t.wait(ctx, c, true)
	if err != nil {
		return err
	}
	if json.Unmarshal(bytes.TrimSpace(out.text.Bytes()), &t.probe) != nil || t.probe.Version == "" {
		return fmt.Errorf("it is not phpsapi, or one that cannot take over: restart the service to execute it%s", said)
	}
	if !slices.Contains(t.probe.Formats, handoff.Format) {
		return fmt.Errorf("phpsapi %s cannot take over from this version: restart the service to execute it", t.probe.Version)
	}
	return nil
}

// start has the program start up to the point where it would serve.
func (t *trial) start(ctx context.Context) error {
	left, err := t.h.File()
	if err != nil {
		return err
	}
	defer left.Close()
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	c := exec.CommandContext(ctx, t.program)
	c.Args = t.argv
	c.Env = append(os.Environ(), handoff.Environment+"=3")
	c.ExtraFiles = append([]*os.File{left, write}, t.files...)
	said, err := t.wait(ctx, c, false, write)
	// A process that it has left behind may hold the pipe.
	if e := read.SetReadDeadline(time.Now().Add(time.Second)); e != nil {
		return errors.Join(err, e)
	}
	text, _ := io.ReadAll(io.LimitReader(read, 4*mostOfText))
	if json.Unmarshal(text, &t.report) != nil {
		return errors.Join(err, fmt.Errorf("its start did not end%s", said))
	}
	if t.report.Status != exitOK {
		return reasonOf(t.report.Status, t.report.Lines)
	}
	return err
}

// wait executes a command of the trial and waits for its end. The files are closed when it has them. It returns what the command has
// said on stderr, for a message.
func (t *trial) wait(ctx context.Context, c *exec.Cmd, more bool, files ...*os.File) (said string, err error) {
	var stderr bounded
	c.Stderr = &stderr
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.WaitDelay = time.Second // for what it leaves behind and what holds its stderr
	err = c.Start()
	closeFiles(files)
	if err != nil {
		return "", err
	}
	t.box.post(trialExecuted{c.Process.Pid, more})
	t.executing = more
	t.pids = append(t.pids, c.Process.Pid)
	if err = c.Wait(); err == exec.ErrWaitDelay {
		err = nil
	}
	if last := strings.TrimSpace(stderr.text.String()); last != "" {
		said = ": " + zlog.Harmless(last[strings.LastIndexByte(last, '\n')+1:])
	}
	switch {
	case ctx.Err() != nil:
		return said, fmt.Errorf("it hangs: it was ended")
	case err != nil && !more: // its report tells
		return said, nil
	case err != nil:
		return said, fmt.Errorf("it fails: %w%s", err, said)
	}
	return said, nil
}

// bounded keeps the beginning of what is written.
type bounded struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *bounded) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text.Write(text[:min(len(text), mostOfText-b.text.Len())])
	return len(text), nil
}

// tried is the end of a trial.
type tried struct {
	attempt *attempt
	trial   *trial
}

func (e tried) happen(m *Master) {
	t := e.trial
	for _, pid := range t.pids {
		delete(m.zygotes, pid)
	}
	m.reap()
	switch {
	case m.attempt != e.attempt:
		return
	case m.state != normal:
		m.attempt = nil
		return
	}
	a := m.attempt
	a.lines.add(t.report.Lines...)
	if t.err == nil {
		t.err = m.worse(t.report.Engines)
	}
	if t.err != nil {
		m.abandonReload(fmt.Errorf("the program %s cannot take over: %w", t.program, t.err))
		return
	}
	a.upgrade.file, a.upgrade.version, a.upgrade.tried = t.info, t.probe.Version, true
	for _, g := range m.generations() {
		for _, n := range g.engines {
			m.unbook(n)
		}
	}
}

// worse says why PHP is worse off in the program that was tried: as in a reload.
func (m *Master) worse(engines []trialEngine) error {
	for _, n := range engines {
		for _, was := range m.gen.engines {
			if was.choice.Library == n.Library || len(engines) == 1 && len(m.gen.engines) == 1 {
				if why := n.Said.Worse(was.said); why != nil {
					return why
				}
				break
			}
		}
	}
	return nil
}

// isExecuting reports whether another program is about to be executed: nothing new begins.
func (m *Master) isExecuting() bool {
	return m.attempt != nil && m.attempt.upgrade != nil && m.attempt.upgrade.tried
}

// executeUpgrade executes the program that was tried, unless a zygote is being asked for a worker: the answer is waited for. It is the
// loop's, between two events.
func (m *Master) executeUpgrade() {
	if !m.isExecuting() || m.state != normal || slices.ContainsFunc(m.generations(), (*generation).forking) {
		return
	}
	a := m.attempt
	now, err := os.Stat(a.upgrade.program)
	if err == nil && (!os.SameFile(now, a.upgrade.file) || now.Size() != a.upgrade.file.Size() || !now.ModTime().Equal(a.upgrade.file.ModTime())) {
		err = errors.New("it was replaced while it was tried, try again")
	}
	if err != nil {
		m.abandonReload(fmt.Errorf("the program %s cannot take over: %w", a.upgrade.program, err))
		return
	}
	m.log.executes(a.upgrade.program, a.upgrade.version, m.opt.Version)
	m.lastWords()
	h := m.comeToRest()
	h.Lines, h.Start = a.lines.lines, int64(a.patience)
	if err := executeHandoff(h, a.upgrade.program, m.opt.Argv); err != nil {
		h.Why = fmt.Sprintf("the program %s cannot take over: %v", a.upgrade.program, err)
		m.executed(executeHandoff(h, "/proc/self/exe", m.opt.Argv))
	}
}
