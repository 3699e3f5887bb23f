package sapi

// Pair locates one param of a request in the bytes of all of them. The layout is C's too, and fastcgi.Pair's.
type Pair struct {
	Name, NameLen   uint32
	Value, ValueLen uint32
}
