package fastcgi

import (
	"encoding/binary"
	"fmt"
)

// maxPairLen is the longest name or value that four length bytes can tell (§3.4).
const maxPairLen = 1<<31 - 1

// pairLen reads the one or four bytes that tell a name's or value's length
// (§3.4). size is how many they were, or 0 if b ends within them.
func pairLen(b []byte) (n uint32, size int) {
	if len(b) == 0 {
		return 0, 0
	}
	if b[0] < 0x80 {
		return uint32(b[0]), 1
	}
	if len(b) < 4 {
		return 0, 0
	}
	return binary.BigEndian.Uint32(b) & maxPairLen, 4
}

// pairHeader reads both lengths of a name-value pair and checks that the pair
// is whole. size is that of the lengths alone.
func pairHeader(b []byte) (name, value, size int, err error) {
	n, ns := pairLen(b)
	if ns == 0 {
		return 0, 0, 0, fmt.Errorf("ends within the length of a name")
	}
	v, vs := pairLen(b[ns:])
	if vs == 0 {
		return 0, 0, 0, fmt.Errorf("ends within the length of a value")
	}
	size = ns + vs
	if uint64(n)+uint64(v) > uint64(len(b)-size) {
		return 0, 0, 0, fmt.Errorf("name of %d and value of %d bytes, %d are there", n, v, len(b)-size)
	}
	return int(n), int(v), size, nil
}

// pairSize is how many bytes a pair takes on the wire.
func pairSize(name, value int) int {
	return lenSize(name) + lenSize(value) + name + value
}

func lenSize(n int) int {
	if n < 0x80 {
		return 1
	}
	return 4
}

func appendPairLen(b []byte, n int) []byte {
	if n < 0x80 {
		return append(b, byte(n))
	}
	return binary.BigEndian.AppendUint32(b, uint32(n)|1<<31)
}

// AppendPair appends a name-value pair in wire form (§3.4) to b. It panics if
// name or value is 2 GiB long.
func AppendPair[N, V string | []byte](b []byte, name N, value V) []byte {
	if len(name) > maxPairLen || len(value) > maxPairLen {
		panic("BUG: fastcgi: name or value of 2 GiB")
	}
	b = appendPairLen(b, len(name))
	b = appendPairLen(b, len(value))
	b = append(b, name...)
	return append(b, value...)
}
