package zygote

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// maxConstants bounds what is read of PHP's constants, in bytes. Debian's extensions have a few hundred thousand.
const maxConstants = 16 << 20

// Constants starts PHP, asks it for its constants and ends it. The values are strings, as an ini file gets them.
//
// Nothing of PHP is left when it returns, nor of what PHP has started in its process group. It waits no longer than ctx.
// It returns Start's errors, and an error if PHP does not answer.
func Constants(ctx context.Context, config Config) (map[string]string, error) {
	fd, err := unix.MemfdCreate("php-constants", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("zygote: memfd: %w", err)
	}
	file := os.NewFile(uintptr(fd), "php-constants")
	defer file.Close()
	z, err := Start(ctx, config)
	if err != nil {
		return nil, err
	}
	z.process.keepGroup()
	defer z.End(0)
	if _, err := z.order(ctx, []byte{msgAsk}, []int{fd}); err != nil {
		return nil, fmt.Errorf("PHP has started and does not report its constants: %w", err)
	}
	text, err := io.ReadAll(io.NewSectionReader(file, 0, maxConstants))
	if err != nil {
		return nil, fmt.Errorf("PHP's constants: %w", err)
	}
	return constants(text)
}

var errConstants = errors.New("PHP's constants: malformed answer from the zygote")

// constants decodes names and values, each after its length.
func constants(text []byte) (map[string]string, error) {
	all := map[string]string{}
	for len(text) > 0 {
		var pair [2]string
		for i := range pair {
			if len(text) < 4 {
				return nil, errConstants
			}
			n := binary.NativeEndian.Uint32(text)
			if text = text[4:]; uint64(n) > uint64(len(text)) {
				return nil, errConstants
			}
			pair[i], text = string(text[:n]), text[n:]
		}
		all[pair[0]] = pair[1]
	}
	return all, nil
}
