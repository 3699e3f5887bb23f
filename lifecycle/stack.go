package lifecycle

/*
#include "boot.h"
#include "boot_report.h"
#include "engine_load.h"
*/
import "C"

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"unsafe"
)

// Frame is a function that PHP is in.
type Frame struct {
	Address  uint64 // of zend_execute_data
	Function string // "[INCLUDE_OR_EVAL]", or "???" where it cannot be told
	File     string // where it was called; empty: unknown
	Line     uint32
}

// Stack reads what PHP is doing, from any thread and while PHP runs. It follows PHP's own pointers, but has the kernel look at them
// (boot_report.c), for which a bad pointer is an error, and follows no more than a bounded number. PHP is not stopped: if its stack changes
// while it is read, the reading begins again, a few times.
//
// Counterpart: sapi/fpm/fpm/fpm_php_trace.c (fpm_php_trace_dump), fpm_trace_pread.c
type Stack struct {
	layout C.struct_engine_stack_layout
}

// NewStack makes a reader of this process's stack.
func NewStack() *Stack {
	s := &Stack{}
	C.engine_stack_layout(&s.layout)
	return s
}

// ReportCrashes has this process write to memory what PHP was doing when it crashes, is ended by SIGTERM, or calls C's exit, as
// boot_crash.c has it. *length becomes the length of the report. The memory must not be Go's. TakeProcess must have been called before.
func ReportCrashes(room []byte, length *uint64) {
	C.boot_report_crashes((*C.char)(unsafe.Pointer(unsafe.SliceData(room))), C.size_t(len(room)), (*C.uint64_t)(length))
}

// PrepareCrashReports does the slow part of ReportCrashes. A zygote calls it once, and the workers that it forks need not.
func PrepareCrashReports() { C.boot_prepare_crash_reports() }

// Bounds of a reading.
const (
	maxFrames  = 10000 // frames gone through to find one that has a file
	maxText    = 1023  // bytes of a name, as in php-fpm
	maxAttempt = 5
)

var errBadAddress = errors.New("the stack has an address that is not PHP's")

// Script returns the request's script; empty if no request is running, or it has none.
func (s *Stack) Script() (string, error) {
	path, err := s.pointer(uint64(s.layout.script))
	if err != nil || path == 0 {
		return "", err
	}
	return s.text(path, maxText)
}

// Frames returns the newest frames, depth at most. What could be read comes with an error.
func (s *Stack) Frames(depth int) ([]Frame, error) {
	var frames []Frame
	var err error
	for range maxAttempt {
		frames, err = s.walk(depth)
		again, _ := s.walk(depth)
		if err == nil && slices.Equal(frames, again) {
			break
		}
	}
	return frames, err
}

func (s *Stack) walk(depth int) (frames []Frame, err error) {
	l := &s.layout
	at, err := s.pointer(uint64(l.current))
	for err == nil && at != 0 && len(frames) < depth {
		f := Frame{Address: at, Function: "???"}
		function, err := s.pointer(at + uint64(l.frame_func))
		if err != nil {
			return frames, err
		}
		if valid(function) {
			top, err := s.name(&f, at, function)
			if err != nil || top {
				return frames, err
			}
		}
		if at, err = s.pointer(at + uint64(l.frame_prev)); err != nil {
			return frames, err
		}
		if err := s.place(&f, at); err != nil {
			return frames, err
		}
		frames = append(frames, f)
	}
	return frames, err
}

// name finds the function's name. top says that it is the script itself, which is not a call.
func (s *Stack) name(f *Frame, at, function uint64) (top bool, err error) {
	l := &s.layout
	name, err := s.pointer(function + uint64(l.func_name))
	if err != nil {
		return false, err
	}
	if name != 0 {
		f.Function, err = s.zendString(name)
		return false, err
	}
	info, err := s.number(at + uint64(l.frame_call_info))
	if err != nil {
		return false, err
	}
	f.Function = "[INCLUDE_OR_EVAL]"
	return info&uint32(l.call_kind_mask) == uint32(l.call_top_code), nil
}

// place finds where the frame was called: in the newest frame of PHP code from at on.
func (s *Stack) place(f *Frame, at uint64) error {
	l := &s.layout
	for range maxFrames {
		if at == 0 {
			return nil
		}
		function, err := s.pointer(at + uint64(l.frame_func))
		if err != nil || !valid(function) {
			return err
		}
		kind, err := s.number(function + uint64(l.func_type))
		if err != nil {
			return err
		}
		if kind&1 == 0 { // ZEND_USER_CODE: ZEND_USER_FUNCTION or ZEND_EVAL_CODE
			return s.line(f, at, function)
		}
		if at, err = s.pointer(at + uint64(l.frame_prev)); err != nil {
			return err
		}
	}
	return errBadAddress
}

func (s *Stack) line(f *Frame, at, function uint64) error {
	l := &s.layout
	file, err := s.pointer(function + uint64(l.func_file))
	if err != nil {
		return err
	}
	if f.File, err = s.zendString(file); err != nil {
		return err
	}
	opline, err := s.pointer(at + uint64(l.frame_opline))
	if err != nil || !valid(opline) {
		return err
	}
	f.Line, err = s.number(opline + uint64(l.opline_line))
	return err
}

// valid is what a pointer to one of PHP's structures looks like.
func valid(p uint64) bool { return p != 0 && p&7 == 0 }

func (s *Stack) pointer(at uint64) (uint64, error) {
	var b [8]byte
	err := s.read(b[:], at)
	return binary.NativeEndian.Uint64(b[:]), err
}

func (s *Stack) number(at uint64) (uint32, error) {
	var b [4]byte
	err := s.read(b[:], at)
	return binary.NativeEndian.Uint32(b[:]), err
}

// zendString reads a zend_string, up to a NUL.
func (s *Stack) zendString(at uint64) (string, error) {
	if !valid(at) {
		return "", errBadAddress
	}
	size, err := s.pointer(at + uint64(s.layout.string_len))
	if err != nil {
		return "", err
	}
	return s.text(at+uint64(s.layout.string_text), int(min(size, maxText)))
}

// text reads a C string of at most size bytes.
func (s *Stack) text(at uint64, size int) (string, error) {
	b := make([]byte, size)
	for done := 0; done < size; { // page by page: the next one may not be there
		n := min(size-done, 4096-int((at+uint64(done))&4095))
		if err := s.read(b[done:done+n], at+uint64(done)); err != nil {
			return "", err
		}
		if end := bytes.IndexByte(b[done:done+n], 0); end >= 0 {
			return string(b[:done+end]), nil
		}
		done += n
	}
	return string(b), nil
}

// read copies this process's own memory.
func (s *Stack) read(b []byte, at uint64) error {
	if len(b) == 0 {
		return nil
	}
	if C.report_read(unsafe.Pointer(unsafe.SliceData(b)), C.uintptr_t(at), C.size_t(len(b))) == 0 {
		return errBadAddress
	}
	return nil
}
