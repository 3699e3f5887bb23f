package contract

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"
	"unsafe"
)

// A Spec and a Front go from the master to a process that was executed from the same file, or forked from such a one. So nothing need
// name their fields: a message is the values of the exported fields, in their order. A worker reads its own before anything else; as
// JSON they took a sixth of its start.
//
// A string is bytes, of whatever character set: its length, and they. A slice is one more than its length, 0 for nil, and its elements;
// a pointer is 0 for nil, or 1 and what it points to.

// appendValue appends a value to b. It panics if a type in it cannot be sent.
func appendValue(b []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			return append(b, 1)
		}
		return append(b, 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return binary.AppendVarint(b, v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return binary.AppendUvarint(b, v.Uint())
	case reflect.String:
		return append(binary.AppendUvarint(b, uint64(v.Len())), v.String()...)
	case reflect.Pointer:
		if v.IsNil() {
			return append(b, 0)
		}
		return appendValue(append(b, 1), v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Field(i); field.CanInterface() { // it is exported
				b = appendValue(b, field)
			}
		}
		return b
	case reflect.Slice:
		if v.IsNil() {
			return append(b, 0)
		}
		b = binary.AppendUvarint(b, uint64(v.Len())+1)
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return append(b, v.Bytes()...)
		}
		for i := range v.Len() {
			b = appendValue(b, v.Index(i))
		}
		return b
	}
	panic("BUG: " + v.Type().String() + " in a message")
}

var errDamaged = errors.New("damaged message")

// decoder reads what appendValue has appended. Its strings are parts of that.
type decoder struct {
	rest    []byte
	bad     bool
	texts   []string // room for slices of strings
	numbers []int    // and of numbers
}

// decode reads all of a message into what v points to. The message must not change from then on.
func decode(message []byte, v any) error {
	d := decoder{rest: message}
	return d.all(v)
}

// read reads the orders for a process to their end. whose is how an error calls them.
func read[T any](r io.Reader, whose string) (*T, error) {
	orders := new(T)
	message, err := io.ReadAll(r)
	if err == nil {
		err = decode(message, orders)
	}
	if err != nil {
		return nil, fmt.Errorf("%s orders: %w", whose, err)
	}
	return orders, nil
}

func (d *decoder) all(v any) error {
	d.value(reflect.ValueOf(v).Elem())
	if d.bad || len(d.rest) > 0 {
		return errDamaged
	}
	return nil
}

func (d *decoder) unsigned() uint64 { return number(d, binary.Uvarint) }

// number reads a number by read.
func number[N int64 | uint64](d *decoder, read func([]byte) (N, int)) N {
	n, size := read(d.rest)
	if size <= 0 {
		d.bad = true
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

// bytes returns the next n bytes.
func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.rest)) {
		d.bad = true
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

// value reads into v. It is zero, or points to what is zero.
func (d *decoder) value(v reflect.Value) {
	if d.bad {
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(d.unsigned() != 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(number(d, binary.Varint))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(d.unsigned())
	case reflect.String:
		part := d.bytes(d.unsigned())
		v.SetString(unsafe.String(unsafe.SliceData(part), len(part)))
	case reflect.Pointer:
		if d.unsigned() == 0 {
			v.SetZero()
			return
		}
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		d.value(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Field(i); field.CanSet() {
				d.value(field)
			}
		}
	case reflect.Slice:
		d.slice(v)
	default:
		panic("BUG: " + v.Type().String() + " in a message")
	}
}

func (d *decoder) slice(v reflect.Value) {
	n := d.unsigned()
	if n == 0 {
		return
	}
	n--
	if v.Type().Elem().Kind() == reflect.Uint8 {
		v.SetBytes(append([]byte{}, d.bytes(n)...))
		return
	}
	if n > uint64(len(d.rest)) { // an element has a byte at least
		d.bad = true
		return
	}
	d.makeSlice(v, int(n))
	for i := range int(n) {
		d.value(v.Index(i))
	}
}

// makeSlice makes v a slice of n elements, of the decoder's own room if it has enough.
func (d *decoder) makeSlice(v reflect.Value, n int) {
	switch {
	case v.Type().Elem().Kind() == reflect.String && n <= len(d.texts):
		*(*[]string)(v.Addr().UnsafePointer()) = d.texts[:n:n]
		d.texts = d.texts[n:]
	case v.Type().Elem().Kind() == reflect.Int && n <= len(d.numbers):
		*(*[]int)(v.Addr().UnsafePointer()) = d.numbers[:n:n]
		d.numbers = d.numbers[n:]
	default:
		v.Set(reflect.MakeSlice(v.Type(), n, n))
	}
}
