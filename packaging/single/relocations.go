package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
)

const (
	pageSize  = 4096
	ranges    = 16 // RANGES of lifecycle/boot_relocations.c
	partWords = 3 + 2*ranges
	parts     = 3
)

// dtRELRSZ is the entry of the dynamic section with the length of the list in bytes. debug/elf does not know it.
const dtRELRSZ = 35

// A program is the file that is finished.
type program struct {
	data    []byte
	file    *elf.File
	symbols map[string]uint64
}

// finish has a program enter its addresses itself.
func finish(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	p := program{}
	if p.data, err = os.ReadFile(name); err != nil {
		return err
	}
	if p.file, err = elf.NewFile(bytes.NewReader(p.data)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := p.finish(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	// A file of its own: the program may run.
	finished := name + ".finished"
	if err := os.WriteFile(finished, p.data, info.Mode().Perm()); err != nil {
		return err
	}
	return os.Rename(finished, name)
}

func (p *program) finish() error {
	if err := p.readSymbols(); err != nil {
		return err
	}
	list := p.file.Section(".relr.dyn")
	length, err := p.listLength()
	if err != nil {
		return err
	}
	if list == nil || length == 8 {
		return nil
	}
	data, err := list.Data()
	if err != nil {
		return err
	}
	words := make([]uint64, len(data)/8)
	for i := range words {
		words[i] = binary.LittleEndian.Uint64(data[8*i:])
	}
	first := p.file.Section(".preinit_array")
	if first == nil || first.Size != 8 || words[0] != first.Addr {
		return errors.New("the list of its addresses does not begin with the word of lifecycle/boot_relocations.c in .preinit_array")
	}
	from, to := p.goWords(words)
	table := make([]byte, 0, parts*partWords*8)
	for _, part := range [parts][2]int{{1, from}, {from, to}, {to, len(words)}} {
		table = append(table, describe(words, part[0], part[1], list.Addr)...)
	}
	if err := p.write("boot_words", table); err != nil {
		return err
	}
	return p.shorten()
}

func (p *program) readSymbols() error {
	symbols, err := p.file.Symbols()
	if err != nil {
		return err
	}
	p.symbols = map[string]uint64{}
	for _, s := range symbols {
		p.symbols[s.Name] = s.Value
	}
	return nil
}

// goWords returns which entries of the list are of Go's data: from the first and up to the last one in them that is an address.
func (p *program) goWords(words []uint64) (from, to int) {
	begin, has := p.symbols["runtime.types"]
	end := p.symbols["runtime.itablink"]
	if !has || end < begin {
		return len(words), len(words)
	}
	from, to = -1, -1
	for i, word := range words {
		if i > 0 && word&1 == 0 && word >= begin && word <= end {
			if from < 0 {
				from = i
			}
			to = i
		}
	}
	if from < 0 {
		return len(words), len(words)
	}
	return from, to
}

// places returns the places that some entries of a list name. before is the word behind that of the entry before them.
func places(words []uint64, before uint64) []uint64 {
	var list []uint64
	at := before
	for _, word := range words {
		if word&1 == 0 {
			list = append(list, word)
			at = word + 8
			continue
		}
		for i := range uint64(63) {
			if word>>(i+1)&1 != 0 {
				list = append(list, at+8*i)
			}
		}
		at += 63 * 8
	}
	return list
}

// describe returns the struct words of the entries from one up to another.
func describe(words []uint64, from, to int, list uint64) []byte {
	fields := make([]uint64, partWords)
	if from < to {
		fields[0], fields[1] = list+8*uint64(from), uint64(to-from)
		if words[from]&1 != 0 { // behind the loader's
			fields[2] = words[from-1] + 8
		}
		for i, r := range pages(places(words[from:to], fields[2])) {
			fields[3+2*i], fields[4+2*i] = r[0], r[1]
		}
	}
	data := make([]byte, 0, 8*len(fields))
	for _, field := range fields {
		data = binary.LittleEndian.AppendUint64(data, field)
	}
	return data
}

// pages returns the ranges of pages that places are on. Where they were too many, the nearest are joined.
func pages(places []uint64) (list [][2]uint64) {
	for _, place := range places {
		page := place &^ (pageSize - 1)
		if last := len(list) - 1; last >= 0 && list[last][1] >= page {
			list[last][1] = page + pageSize
			continue
		}
		list = append(list, [2]uint64{page, page + pageSize})
	}
	for len(list) > ranges {
		nearest := 1
		for i := 2; i < len(list); i++ {
			if list[i][0]-list[i-1][1] < list[nearest][0]-list[nearest-1][1] {
				nearest = i
			}
		}
		list[nearest-1][1] = list[nearest][1]
		list = slices.Delete(list, nearest, nearest+1)
	}
	return list
}

// write writes into the place of a symbol.
func (p *program) write(symbol string, data []byte) error {
	address, has := p.symbols[symbol]
	if !has {
		return fmt.Errorf("it has no symbol %s: it is stripped, or not phpsapi", symbol)
	}
	for _, part := range p.file.Progs {
		if part.Type == elf.PT_LOAD && address >= part.Vaddr && address+uint64(len(data)) <= part.Vaddr+part.Filesz {
			copy(p.data[part.Off+address-part.Vaddr:], data)
			return nil
		}
	}
	return fmt.Errorf("%s is in no part of the file", symbol)
}

// listLength returns the length of the loader's list in bytes, as the dynamic section has it; 0: there is none.
func (p *program) listLength() (uint64, error) {
	at, err := p.lengthEntry()
	if err != nil || at < 0 {
		return 0, err
	}
	return binary.LittleEndian.Uint64(p.data[at:]), nil
}

// shorten leaves the loader the first entry.
func (p *program) shorten() error {
	at, err := p.lengthEntry()
	if err == nil {
		binary.LittleEndian.PutUint64(p.data[at:], 8)
	}
	return err
}

// lengthEntry returns where in the file the length of the loader's list is; -1: there is no list.
func (p *program) lengthEntry() (int, error) {
	dynamic := p.file.SectionByType(elf.SHT_DYNAMIC)
	if dynamic == nil || p.file.Class != elf.ELFCLASS64 || p.file.Data != elf.ELFDATA2LSB {
		return 0, errors.New("it is not a program of 64 bits that a loader starts")
	}
	for at := dynamic.Offset; at+16 <= dynamic.Offset+dynamic.FileSize; at += 16 {
		if binary.LittleEndian.Uint64(p.data[at:]) == dtRELRSZ {
			return int(at) + 8, nil
		}
	}
	return -1, nil
}
