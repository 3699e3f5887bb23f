package zygote

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"github.com/phpsapi/phpsapi/sapi"
)

// A message is a letter and what belongs to it. The other side is lifecycle/boot_zygote.c.
const (
	msgStart    = 'S' // engine and module, each string ended by a NUL
	msgFork     = 'F' // a worker's title, ended by a NUL, and its payload; its descriptors travel as SCM_RIGHTS
	msgAnswer   = 'Q' // a CGI request's description; its descriptors travel as SCM_RIGHTS
	msgTemplate = 'T' // a Template, each string ended by a NUL; its ruleset travels as SCM_RIGHTS
	msgDetach   = 'D' // a descriptor, as SCM_RIGHTS, in place of stdin, stdout and stderr
	msgAsk      = 'K' // a descriptor, as SCM_RIGHTS, for PHP's constants; the answer is msgChild with 0
	msgReady    = 'R' // the engine's PHP_VERSION
	msgLoad     = 'L' // libphp could not be loaded: failure, PHP_VERSION and build id of the headers, detail, by spaces
	msgFailed   = 'P' // PHP could not be started: how its last child ended, or -1; opcache.preload, by a space
	msgBooted   = 'B' // the template's application has been booted
	msgUnbooted = 'U' // it could not be: facts, each ended by a NUL, of unbooted
	msgRefused  = 'V' // it must not be forked: facts, likewise, of refused
	msgChild    = 'C' // the new worker's pid, or -errno, as int32; then four bytes of no meaning
	msgOwn      = 'O' // why each worker starts a Go runtime of its own
	msgExit     = 'X' // an ended worker's pid, wait status and most resident memory in KB, all int32
)

// maxMessage is the largest packet, in bytes.
const maxMessage = 128<<10 - 1

// start encodes the order to start the configuration's module on its engine.
func start(c Config) ([]byte, error) {
	m := c.Module
	fields := []string{
		c.Engine, strconv.Itoa(m.FrontEnd()), m.Name, m.PrettyName, m.Binary, m.INI.Path, m.INI.Embed, m.INI.Dir, m.INI.ScanDefault, m.INI.ScanDir, m.INI.Entries,
		flag(m.INI.Search), flag(m.INI.Ignore), flag(m.InfoAsText), flag(m.ExtendedInfo), flag(m.WithoutPCNTL), flag(m.WorkerMode), flag(m.Interrupts),
		flag(c.Monitor), flag(!c.OwnRuntimes),
	}
	for _, s := range m.INI.Defaults {
		fields = append(fields, s.Name, s.Value)
	}
	for _, field := range fields {
		if strings.ContainsRune(field, 0) {
			return nil, fmt.Errorf("start message: a NUL byte in %q", field)
		}
	}
	message := append([]byte{msgStart}, strings.Join(fields, "\x00")+"\x00"...)
	if len(message) > maxMessage {
		return nil, fmt.Errorf("start message: the settings are too long: %d bytes of %d at most", len(message), maxMessage)
	}
	return message, nil
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// fork encodes an order to fork, msgFork or msgAnswer.
func fork(order byte, payload []byte) ([]byte, error) {
	if len(payload) >= maxMessage {
		return nil, fmt.Errorf("fork message: the payload is too long: %d bytes of %d at most", len(payload), maxMessage-1)
	}
	return append([]byte{order}, payload...), nil
}

var errMalformed = errors.New("malformed message from the zygote")

// child decodes the answer to fork.
func child(body []byte) (pid int, err error) {
	if len(body) != 8 {
		return 0, errMalformed
	}
	n := int32(binary.NativeEndian.Uint32(body))
	if n < 0 {
		return 0, fmt.Errorf("fork: %w", syscall.Errno(-n))
	}
	return int(n), nil
}

// exit decodes a child's end. peak is in bytes.
func exit(body []byte) (pid int, status syscall.WaitStatus, peak int64, err error) {
	if len(body) != 12 {
		return 0, 0, 0, errMalformed
	}
	pid = int(int32(binary.NativeEndian.Uint32(body)))
	peak = int64(max(int32(binary.NativeEndian.Uint32(body[8:])), 0)) << 10
	return pid, syscall.WaitStatus(binary.NativeEndian.Uint32(body[4:])), peak, nil
}

// notLoaded decodes why the libphp called engine could not be loaded.
func notLoaded(engine string, body []byte) error {
	parts := strings.SplitN(string(body), " ", 4)
	if len(parts) != 4 {
		return errMalformed
	}
	return &sapi.EngineError{Path: engine, Failure: sapi.EngineFailure(sapi.Atoi(parts[0])), Detail: parts[3],
		Version: parts[1], Build: parts[2]}
}
