package sandbox

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// A program is a seccomp filter that is being written: classic BPF (seccomp(2)), whose jumps go forward only. Where one goes is
// named, and found out in the end.
type program struct {
	code   []unix.SockFilter
	jumps  []jump
	labels map[string]int
	unique int
}

// jump is an instruction whose targets are not known yet; an empty name is the next instruction.
type jump struct {
	at        int
	is, isNot string
}

// The offsets in struct seccomp_data. The lower half of an argument comes first: both architectures are little-endian.
const (
	offsetNumber = 0
	offsetArch   = 4
)

func offsetArgument(n int) uint32 { return uint32(16 + 8*n) }

func (p *program) add(code uint16, k uint32) {
	p.code = append(p.code, unix.SockFilter{Code: code, K: k})
}

// load takes a word of the call.
func (p *program) load(offset uint32) { p.add(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, offset) }

// mask keeps these bits of it.
func (p *program) mask(bits uint32) { p.add(unix.BPF_ALU|unix.BPF_AND|unix.BPF_K, bits) }

// branch goes to is if the word compares so with k, else to isNot.
func (p *program) branch(compare uint16, k uint32, is, isNot string) {
	p.jumps = append(p.jumps, jump{len(p.code), is, isNot})
	p.add(unix.BPF_JMP|compare|unix.BPF_K, k)
}

func (p *program) ifEqual(k uint32, is, isNot string) { p.branch(unix.BPF_JEQ, k, is, isNot) }

// answer ends the filter.
func (p *program) answer(action uint32) { p.add(unix.BPF_RET|unix.BPF_K, action) }

// label names the next instruction.
func (p *program) label(name string) { p.labels[name] = len(p.code) }

// fresh returns a name that is no other label's.
func (p *program) fresh() string {
	p.unique++
	return fmt.Sprint("#", p.unique)
}

// on has a system call handled by what body adds, which must end in answers.
func (p *program) on(number uint32, body func()) {
	next := p.fresh()
	p.ifEqual(number, "", next)
	body()
	p.label(next)
}

// distance returns how far a jump goes, from the instruction behind it.
func (p *program) distance(from int, to string) uint8 {
	if to == "" {
		return 0
	}
	n := p.labels[to] - from - 1
	if _, known := p.labels[to]; !known || n < 0 || n > 255 {
		panic("BUG: a jump to " + to)
	}
	return uint8(n)
}

// bytes returns the program as the kernel takes it.
func (p *program) bytes() []byte {
	for _, j := range p.jumps {
		p.code[j.at].Jt, p.code[j.at].Jf = p.distance(j.at, j.is), p.distance(j.at, j.isNot)
	}
	var b []byte
	for _, i := range p.code {
		b = binary.NativeEndian.AppendUint16(b, i.Code)
		b = append(b, i.Jt, i.Jf)
		b = binary.NativeEndian.AppendUint32(b, i.K)
	}
	return b
}
