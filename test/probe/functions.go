package probe

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ErrNoFunctions is the error for a program that has, by its symbols, none of the functions that are to be counted.
var ErrNoFunctions = errors.New("the program has none of the functions that are to be counted, or no symbols")

// Functions returns a Counter of how often a process enters functions of its program, by their names: those for which wanted returns
// true. It returns ErrNoFunctions if the program has none.
func Functions(pid int, wanted func(name string) bool) (*Counter, error) {
	kind, err := os.ReadFile("/sys/bus/event_source/devices/uprobe/type")
	if err != nil {
		return nil, fmt.Errorf("calls of functions cannot be counted: %w", err)
	}
	number, err := strconv.ParseUint(strings.TrimSpace(string(kind)), 10, 32)
	if err != nil {
		return nil, err
	}
	program, err := filepath.EvalSymlinks(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		return nil, err
	}
	places, err := functionsIn(program, wanted)
	if err != nil {
		return nil, err
	}
	c := &Counter{read: func(e *event, counts map[string]int) error {
		n, err := e.count()
		if n > 0 {
			counts[e.name] += n
		}
		return err
	}}
	path := append([]byte(program), 0)
	var pinned runtime.Pinner // the kernel reads it during the calls
	pinned.Pin(&path[0])
	defer pinned.Unpin()
	for name, at := range places {
		attr := unix.PerfEventAttr{Type: uint32(number), Ext1: uint64(uintptr(unsafe.Pointer(&path[0]))), Ext2: at}
		if err := c.open(pid, name, &attr, 0); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// functionsIn returns where in a program's file its functions begin.
func functionsIn(program string, wanted func(name string) bool) (map[string]uint64, error) {
	file, err := elf.Open(program)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	symbols, err := file.Symbols()
	if errors.Is(err, elf.ErrNoSymbols) { // those that it exports are left
		symbols, err = file.DynamicSymbols()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", program, err)
	}
	places := map[string]uint64{}
	for _, s := range symbols {
		if elf.ST_TYPE(s.Info) != elf.STT_FUNC || !wanted(s.Name) {
			continue
		}
		for _, p := range file.Progs {
			if p.Type == elf.PT_LOAD && s.Value >= p.Vaddr && s.Value < p.Vaddr+p.Filesz {
				places[s.Name] = s.Value - p.Vaddr + p.Off
			}
		}
	}
	if len(places) == 0 {
		return nil, fmt.Errorf("%s: %w", program, ErrNoFunctions)
	}
	return places, nil
}
