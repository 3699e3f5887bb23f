package handover

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// The beginning of a request's message, struct handover of lifecycle/handover.h. The rest of it is the child's.
const (
	magic      = "phpsapi-cgi-003\x00"
	sizeAt     = 16
	argcAt     = 20
	openAt     = 24
	headerSize = 28
)

// The letters of struct handover_answer, of which the child says letterNo.
const (
	letterReady  = 'R'
	letterNo     = 'N'
	letterTaken  = 'T'
	letterStatus = 'S'
)

// maxRequest is the largest message, in bytes: lifecycle/handover_client.c sends 96 KB.
const maxRequest = 128 << 10

// Call is how a client was executed.
type Call struct {
	Argv []string
	Env  Environment
	// Directory is the current directory's descriptor.
	Directory int

	process []byte // what the child needs: struct handover
	files   []int  // the current directory and the standard descriptors that are open
}

var errMalformed = errors.New("malformed request")

// newCall reads a client's message. The call owns files from now on, whatever the error.
func newCall(message []byte, files []int) (*Call, error) {
	c := &Call{files: files}
	if len(message) < headerSize || string(message[:len(magic)]) != magic {
		return c, errMalformed
	}
	size := int(binary.NativeEndian.Uint32(message[sizeAt:]))
	argc := int(binary.NativeEndian.Uint32(message[argcAt:]))
	open := binary.NativeEndian.Uint32(message[openAt:])
	if size < headerSize || size > len(message) || len(files) != 1+bits.OnesCount32(open) || message[len(message)-1] != 0 {
		return c, errMalformed
	}
	c.process = message[:size]
	text := string(message[size:])
	if text == "" {
		return c, errMalformed
	}
	strings := strings.Split(text[:len(text)-1], "\x00")
	if argc < 1 || argc > len(strings) {
		return c, errMalformed
	}
	c.Argv, c.Env, c.Directory = strings[:argc], strings[argc:], files[0]
	return c, nil
}

func (c *Call) close() {
	for _, fd := range c.files {
		syscall.Close(fd)
	}
	c.files = nil
}

// Path returns the path of a file that the client calls name.
func (c *Call) Path(name string) string {
	if strings.HasPrefix(name, "/") {
		return name
	}
	return c.directoryLink() + "/" + name
}

// WorkingDirectory returns the path of the client's current directory; empty if there is none.
func (c *Call) WorkingDirectory() string {
	path, err := os.Readlink(c.directoryLink())
	if err != nil || !strings.HasPrefix(path, "/") || strings.HasSuffix(path, " (deleted)") {
		return ""
	}
	return path
}

func (c *Call) directoryLink() string {
	return "/proc/self/fd/" + strconv.Itoa(c.Directory)
}

// Environment is a client's environment, entry by entry: NAME=VALUE.
type Environment []string

// Lookup returns a variable's value, and reports whether it is set.
func (e Environment) Lookup(name string) (string, bool) {
	for _, entry := range e {
		if len(entry) > len(name) && entry[len(name)] == '=' && entry[:len(name)] == name {
			return entry[len(name)+1:], true
		}
	}
	return "", false
}
