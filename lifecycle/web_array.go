package lifecycle

/*
#include "engine_load.h"
*/
import "C"

import "unsafe"

// Array is an array of PHP's, valid during the call that passes it.
type Array struct{ zval unsafe.Pointer }

func nameOf(name string) (*C.char, C.size_t) {
	return (*C.char)(unsafe.Pointer(unsafe.StringData(name))), C.size_t(len(name))
}

// SetString sets an element.
func (a Array) SetString(name, value string) {
	n, size := nameOf(name)
	v, length := nameOf(value)
	C.engine_array_add_string(a.zval, n, size, v, length)
}

// SetInt sets an element.
func (a Array) SetInt(name string, value int64) {
	n, size := nameOf(name)
	C.engine_array_add_number(a.zval, n, size, C.int64_t(value))
}

// SetFloat sets an element.
func (a Array) SetFloat(name string, value float64) {
	n, size := nameOf(name)
	C.engine_array_add_float(a.zval, n, size, C.double(value))
}

// SetArray sets an element to an empty array and returns that array.
func (a Array) SetArray(name string) Array {
	n, size := nameOf(name)
	return Array{C.engine_array_add_array(a.zval, n, size)}
}

// AppendArray appends an empty array and returns it.
func (a Array) AppendArray() Array {
	return Array{C.engine_array_add_array(a.zval, nil, 0)}
}
