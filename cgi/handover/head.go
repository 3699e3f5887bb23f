package handover

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/phpsapi/phpsapi/sapi"
)

// Flags of a head, those of enum ENGINE_HEAD_... (lifecycle/engine.h).
const (
	flagNPH     = 1
	flagRFC2616 = 2
)

// maxHead is the largest head that is read, in bytes: more than any web server takes.
const maxHead = 16 << 20

var errDeclined = errors.New("the child declined")

// serveHeads answers what a child asks, until it is gone: response heads, each with a length before it, are returned as
// they are to be written. The error is errDeclined where the child did nothing.
func serveHeads(channel *os.File) error {
	for {
		var letter [1]byte
		if _, err := io.ReadFull(channel, letter[:]); err != nil {
			return err
		}
		if letter[0] == letterNo {
			return errDeclined
		}
		if letter[0] != letterHead {
			return errMalformed
		}
		if err := serveHead(channel); err != nil {
			return err
		}
	}
}

func serveHead(channel *os.File) error {
	var size [4]byte
	if _, err := io.ReadFull(channel, size[:]); err != nil {
		return err
	}
	n := binary.NativeEndian.Uint32(size[:])
	if n > maxHead {
		return errMalformed
	}
	// The memory grows by what comes: a length alone costs nothing.
	message, err := io.ReadAll(io.LimitReader(channel, int64(n)))
	if err != nil {
		return err
	}
	if len(message) < int(n) {
		return io.ErrUnexpectedEOF
	}
	head, rules, err := decodeHead(message)
	if err != nil {
		return err
	}
	answer := rules.AppendHead(size[:], head)
	binary.NativeEndian.PutUint32(answer, uint32(len(answer)-len(size)))
	_, err = channel.Write(answer)
	return err
}

// decodeHead reads struct head of lifecycle/handover_child.c, behind its length.
func decodeHead(message []byte) (*sapi.ResponseHead, sapi.HeadRules, error) {
	if len(message) < 12 {
		return nil, sapi.HeadRules{}, errMalformed
	}
	flags := binary.NativeEndian.Uint32(message[4:])
	line := binary.NativeEndian.Uint32(message[8:])
	rest := string(message[12:])
	if uint64(line) > uint64(len(rest)) {
		return nil, sapi.HeadRules{}, errMalformed
	}
	head := &sapi.ResponseHead{Status: int(int32(binary.NativeEndian.Uint32(message))), StatusLine: rest[:line]}
	for text := range strings.Lines(rest[line:]) {
		head.Lines = append(head.Lines, []byte(strings.TrimSuffix(text, "\r\n")))
	}
	return head, sapi.HeadRules{NPH: flags&flagNPH != 0, RFC2616: flags&flagRFC2616 != 0}, nil
}
