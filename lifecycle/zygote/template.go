package zygote

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/sapi"
)

// Template is an application that a zygote boots once: it runs the worker script up to the first call of
// frankenphp_handle_request(), as the user and with the settings of the workers, which are then forked from there.
type Template struct {
	Script string // path of the worker script
	Strict bool   // as Web.RunWorkerScript has it
	Warmup []Warmup
	// Timeout is how long the boot may take, warm-up included; 0: as long as it likes.
	Timeout time.Duration

	// What the process becomes before. Zeros leave things as they are.
	Files, Core int // RLIMIT_NOFILE, RLIMIT_CORE; -1: no limit
	Directory   string
	Priority    int // of setpriority; 64: as it is
	UID, GID    int
	Groups      []int
	Dumpable    bool
	ClearEnv    bool
	Env         []sapi.Setting
	Values      []sapi.Setting // php_value
	AdminValues []sapi.Setting // php_admin_value

	// Restricted says that the process gives up rights before the boot, as a worker does by lifecycle.Restrict: with the domain of a
	// Landlock ruleset unless that is nil, and a seccomp filter unless that is empty. The ruleset stays open here.
	Restricted bool
	Ruleset    *os.File
	Filter     []byte
}

// Warmup is a request that the application answers before workers are forked: a GET.
type Warmup struct {
	URI       string // SCRIPT_NAME
	Variables []sapi.Variable
}

// encode returns the order to boot the template; nil if there is none. The other side is lifecycle/boot_template.c.
func (t *Template) encode() ([]byte, error) {
	if t == nil {
		return nil, nil
	}
	fields := []string{strconv.Itoa(t.Files), strconv.Itoa(t.Core), t.Directory, strconv.Itoa(t.Priority), strconv.Itoa(t.GID),
		strconv.Itoa(t.UID), strconv.Itoa(len(t.Groups))}
	for _, g := range t.Groups {
		fields = append(fields, strconv.Itoa(g))
	}
	fields = append(fields, flag(t.Dumpable), flag(t.ClearEnv), strconv.Itoa(len(t.Env)))
	for _, v := range t.Env {
		fields = append(fields, v.Name, v.Value)
	}
	fields = append(fields, strconv.Itoa(len(t.Values)+len(t.AdminValues)))
	for _, v := range t.Values {
		fields = append(fields, "0", v.Name, v.Value)
	}
	for _, v := range t.AdminValues {
		fields = append(fields, "1", v.Name, v.Value)
	}
	fields = append(fields, flag(t.Restricted), hex.EncodeToString(t.Filter))
	fields = append(fields, t.Script, flag(t.Strict), strconv.Itoa(len(t.Warmup)))
	for _, w := range append([]Warmup{{t.Script, sapi.BootVariables(t.Script)}}, t.Warmup...) { // the boot is the first
		fields = append(fields, w.URI, strconv.Itoa(len(w.Variables)))
		for _, v := range w.Variables {
			fields = append(fields, v.Name, v.Value)
		}
	}
	for _, field := range fields {
		if strings.ContainsRune(field, 0) {
			return nil, fmt.Errorf("template: a NUL byte in %q", field)
		}
	}
	message := append([]byte{msgTemplate}, strings.Join(fields, "\x00")+"\x00"...)
	if len(message) > maxMessage {
		return nil, fmt.Errorf("template: the settings are too long: %d bytes of %d at most", len(message), maxMessage)
	}
	return message, nil
}

// errBoot says that the zygote ended while it booted the template.
var errBoot = errors.New("the boot has ended the process")

// BootError is Start's error if the application of the Template could not be booted.
type BootError struct{ Why string }

func (e *BootError) Error() string { return "the application could not be booted: " + e.Why }

// SnapshotError is Start's error if the application was booted and cannot be forked: it has something that processes must not share, such
// as a connection to a database.
type SnapshotError struct{ Why string }

func (e *SnapshotError) Error() string { return e.Why }

// boot has the template booted, with a Landlock ruleset unless that is nil.
func (z *Zygote) boot(template []byte, ruleset *os.File, timeout time.Duration) error {
	var fds []int
	if ruleset != nil {
		fds = []int{int(ruleset.Fd())}
	}
	if timeout > 0 {
		late := time.AfterFunc(timeout, func() {
			z.late.Store(true)
			z.process.kill()
		})
		defer late.Stop()
	}
	if err := z.send(template, fds, time.Now().Add(AnswerTime)); err != nil {
		return fmt.Errorf("zygote: template: %w", err)
	}
	answer, err := z.receive(make([]byte, 8192))
	switch {
	case err != nil && z.late.Load():
		return &BootError{sapi.BootTookTooLong(timeout)}
	case err != nil:
		return fmt.Errorf("%w: %w", errBoot, err)
	}
	switch answer[0] {
	case msgBooted:
		return nil
	case msgUnbooted:
		return unbooted(facts(answer[1:]))
	case msgRefused:
		return refused(facts(answer[1:]))
	}
	return errMalformed
}
