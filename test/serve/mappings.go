package serve

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// A Mapping is a part of a process's memory, as /proc/PID/smaps has it. Sizes are in KiB.
type Mapping struct {
	From, To     uint64
	Writable     bool
	Name         string // a file or a name in brackets; empty: anonymous
	Resident     int
	Proportional int // of what is shared with other processes this one's share
	Private      int
	Huge         int // in huge pages
}

// Mappings returns a process's memory, in the order of the addresses.
func Mappings(pid int) (all []Mapping) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/smaps", pid))
	if err != nil {
		return nil
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		w := strings.Fields(lines.Text())
		from, to, isHead := strings.Cut(w[0], "-")
		if isHead && len(w) >= 5 {
			m := Mapping{Writable: w[1][1] == 'w', Name: strings.Join(w[5:], " ")}
			m.From, _ = strconv.ParseUint(from, 16, 64)
			m.To, _ = strconv.ParseUint(to, 16, 64)
			all = append(all, m)
			continue
		}
		m := &all[len(all)-1]
		n, _ := strconv.Atoi(w[1])
		switch w[0] {
		case "Rss:":
			m.Resident += n
		case "Pss:":
			m.Proportional += n
		case "Private_Clean:", "Private_Dirty:":
			m.Private += n
		case "AnonHugePages:":
			m.Huge += n
		}
	}
	return all
}

// The kinds of memory that a worker has. A mapping may have several if they lie side by side: it counts as the first.
const (
	ProgramCode  = "program: code and constants"
	ProgramData  = "program: data"
	LibphpCode   = "libphp: code and constants"
	LibphpData   = "libphp: data"
	LibraryCode  = "libraries, extensions: code and constants"
	LibraryData  = "libraries, extensions: data"
	GoHeap       = "Go's heap, with its stacks"
	GoRuntime    = "Go's runtime, and what else was mapped since the fork"
	ThreadStacks = "stacks of other threads"
	CHeap        = "C's heap"
	ZendHeap     = "Zend's heap, and what else was mapped before the fork"
	Stack        = "stack of the main thread"
	Opcache      = "opcache"
	Shared       = "other shared memory"
	OtherFiles   = "other files"
)

// Kinds are all kinds of memory.
var Kinds = []string{ProgramCode, ProgramData, LibphpCode, LibphpData, LibraryCode, LibraryData, GoHeap, GoRuntime, ThreadStacks,
	CHeap, ZendHeap, Stack, Opcache, Shared, OtherFiles}

// MemoryByKind adds up a worker's memory by Kinds. parent is the process that forked it: what is mapped at the same place
// there was mapped before the fork. php-fpm, which has PHP in the program, has no libphp.
func MemoryByKind(pid, parent int) map[string]Mapping {
	sum := map[string]Mapping{}
	of := memoryOf{all: Mappings(pid), inherited: Mappings(parent)}
	of.program, _ = os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	for i, m := range of.all {
		k := of.kind(i)
		s := sum[k]
		s.Resident += m.Resident
		s.Proportional += m.Proportional
		s.Private += m.Private
		s.Huge += m.Huge
		sum[k] = s
	}
	return sum
}

type memoryOf struct {
	all, inherited []Mapping
	program        string
}

// mostZeroed is more than any program or library has of data that is zero at its start, and less than a part of Zend's heap.
const mostZeroed = 1 << 20

func (of memoryOf) kind(i int) string {
	const goArena, threadStack = 64 << 20, 8 << 20
	m := of.all[i]
	name, isData := m.Name, m.Writable
	if name == "" && i > 0 && of.all[i-1].To == m.From && of.all[i-1].Writable && (m.To-m.From < mostZeroed || of.all[i-1].Name == of.program) {
		name = of.all[i-1].Name
	}
	choose := func(data, code string) string {
		if isData {
			return data
		}
		return code
	}
	switch {
	case strings.HasPrefix(name, "/dev/zero"):
		return Opcache
	case strings.HasPrefix(name, "/memfd:"), strings.HasPrefix(name, "/SYSV"):
		return Shared
	case name == of.program:
		return choose(ProgramData, ProgramCode)
	case strings.Contains(name, "/libphp"):
		return choose(LibphpData, LibphpCode)
	case strings.Contains(name, ".so"):
		return choose(LibraryData, LibraryCode)
	case name == "[heap]":
		return CHeap
	case name == "[stack]":
		return Stack
	case name != "":
		return OtherFiles
	case slices.ContainsFunc(of.inherited, func(p Mapping) bool { return p.Name == "" && p.From < m.To && m.From < p.To }):
		return ZendHeap
	case i+1 < len(of.all) && of.all[i+1].From == m.To && of.all[i+1].To%goArena == 0 && m.Writable && !of.all[i+1].Writable:
		return GoHeap // as much of an arena as is used; the rest cannot be accessed yet
	case m.To-m.From == threadStack:
		return ThreadStacks
	}
	return GoRuntime
}
