package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"slices"
)

// A fixup is a word of an object's data that holds the address of a library's symbol: what a linker would leave to the loader.
type fixup struct {
	section string
	offset  uint64
	symbol  string
	addend  int64
}

// The kinds of relocations that references to another object's symbols have on amd64, compiled with -fPIC and -fno-plt.
const (
	throughTable  = elf.R_X86_64_GOTPCREL
	throughTableX = elf.R_X86_64_GOTPCRELX
	throughTableR = elf.R_X86_64_REX_GOTPCRELX
	toPlace       = elf.R_X86_64_PC32
	address       = elf.R_X86_64_64
	nothing       = elf.R_X86_64_NONE
)

// bindLater changes an object so that its references to some symbols are bound when the program says so, and not by the loader at
// its start. A reference through the global offset table becomes one to a variable of the symbol's name, which has to be defined
// elsewhere and to hold the address. Addresses in data are left out, and returned. It returns an error if code refers to a symbol
// in another way: it was not compiled with -fno-plt then.
func bindLater(object string, isLate func(symbol string) bool) ([]fixup, error) {
	data, err := os.ReadFile(object)
	if err != nil {
		return nil, err
	}
	file, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", object, err)
	}
	if file.Machine != elf.EM_X86_64 {
		return nil, fmt.Errorf("%s: an engine can be a part of the program on amd64 only", object)
	}
	symbols, err := file.Symbols()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", object, err)
	}
	var fixups []fixup
	for _, s := range file.Sections {
		if s.Type != elf.SHT_RELA {
			continue
		}
		target := file.Sections[s.Info]
		for at := s.Offset; at < s.Offset+s.Size; at += 24 {
			info := binary.LittleEndian.Uint64(data[at+8:])
			number := elf.R_SYM64(info)
			if number == 0 {
				continue
			}
			symbol := symbols[number-1]
			if symbol.Section != elf.SHN_UNDEF || !isLate(symbol.Name) {
				continue
			}
			switch kind := elf.R_X86_64(elf.R_TYPE64(info)); kind {
			case throughTable, throughTableX, throughTableR:
				binary.LittleEndian.PutUint64(data[at+8:], elf.R_INFO(number, uint32(toPlace)))
			case address:
				binary.LittleEndian.PutUint64(data[at+8:], elf.R_INFO(0, uint32(nothing)))
				fixups = append(fixups, fixup{
					target.Name, binary.LittleEndian.Uint64(data[at:]), symbol.Name, int64(binary.LittleEndian.Uint64(data[at+16:])),
				})
			default:
				return nil, fmt.Errorf("%s: %s refers to %s by %v: compile it with -fno-plt", object, target.Name, symbol.Name, kind)
			}
		}
	}
	return fixups, os.WriteFile(object, data, 0o644)
}

// undefined returns the symbols that an object does not define, sorted.
func undefined(object string) ([]string, error) {
	symbols, err := symbolsOf(object, true)
	return slices.Sorted(maps.Keys(symbols)), err
}

// defined returns the symbols that an object defines for others, and which of them are objects: not functions, that is.
func defined(object string) (map[string]bool, error) { return symbolsOf(object, false) }

// symbolsOf returns an object's symbols that others see, those that it defines or those that it does not.
func symbolsOf(object string, missing bool) (map[string]bool, error) {
	file, err := elf.Open(object)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", object, err)
	}
	defer file.Close()
	symbols, err := file.Symbols()
	if file.Type == elf.ET_DYN {
		symbols, err = file.DynamicSymbols()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", object, err)
	}
	names := map[string]bool{}
	for _, s := range symbols {
		bind := elf.ST_BIND(s.Info)
		if missing && bind == elf.STB_WEAK {
			continue // it may be missing
		}
		if bind != elf.STB_LOCAL && s.Name != "" && (s.Section == elf.SHN_UNDEF) == missing {
			kind := elf.ST_TYPE(s.Info)
			names[s.Name] = kind == elf.STT_OBJECT || kind == elf.STT_TLS
		}
	}
	return names, nil
}
