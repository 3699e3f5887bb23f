package fastcgi

import (
	"encoding/binary"
	"fmt"
)

// Header is a record's header (FCGI_Header, §3.3).
type Header struct {
	Version       uint8
	Type          Type
	RequestID     uint16
	ContentLength uint16
	PaddingLength uint8
	Reserved      uint8
}

// String describes the record for a log line: "STDIN record, id 1, 12 bytes".
func (h Header) String() string {
	return fmt.Sprintf("%v record, id %d, %d bytes", h.Type, h.RequestID, h.ContentLength)
}

// ParseHeader decodes the first HeaderLen bytes of b; it panics if b is
// shorter, and judges nothing.
func ParseHeader(b []byte) Header {
	_ = b[HeaderLen-1]
	return Header{
		Version:       b[0],
		Type:          Type(b[1]),
		RequestID:     binary.BigEndian.Uint16(b[2:]),
		ContentLength: binary.BigEndian.Uint16(b[4:]),
		PaddingLength: b[6],
		Reserved:      b[7],
	}
}

// Put encodes h into the first HeaderLen bytes of b; it panics if b is shorter.
func (h Header) Put(b []byte) {
	_ = b[HeaderLen-1]
	b[0] = h.Version
	b[1] = uint8(h.Type)
	binary.BigEndian.PutUint16(b[2:], h.RequestID)
	binary.BigEndian.PutUint16(b[4:], h.ContentLength)
	b[6] = h.PaddingLength
	b[7] = h.Reserved
}

// Record is one whole record (§3.3). The streams of this package never hold
// one; it is for small records, for tests and for tools.
type Record struct {
	Type          Type
	RequestID     uint16
	Content       []byte
	PaddingLength uint8
}

// AppendTo appends the record's wire form, padded with zeros, to b.
// It panics if the content is longer than MaxContent.
func (r Record) AppendTo(b []byte) []byte {
	if len(r.Content) > MaxContent {
		panic(fmt.Sprintf("BUG: fastcgi: record of %d bytes", len(r.Content)))
	}
	var h [HeaderLen]byte
	Header{
		Version:       Version1,
		Type:          r.Type,
		RequestID:     r.RequestID,
		ContentLength: uint16(len(r.Content)),
		PaddingLength: r.PaddingLength,
	}.Put(h[:])
	b = append(b, h[:]...)
	b = append(b, r.Content...)
	return append(b, zeros[:r.PaddingLength]...)
}

// zeros is what padding is made of.
var zeros [MaxPadding]byte

// padTo8 is the padding that brings n bytes to a multiple of eight, which is
// what §3.3 recommends and stock PHP does.
func padTo8(n int) int { return -n & 7 }

// bodyLen is the size of the three fixed bodies below.
const bodyLen = 8

// BeginRequest is the body of a BEGIN_REQUEST record (FCGI_BeginRequestBody, §5.1).
type BeginRequest struct {
	Role  Role
	Flags Flags
	// Since is when the client began to wait for an application to take the request, the low 32 bits of the milliseconds of CLOCK_MONOTONIC; 0:
	// it does not tell. Site is the number of the client's site, from 1; 0: it does not tell. They are this package's own, like Interim, and count
	// with that: they stand in bytes that the specification reserves.
	Since uint32
	Site  uint8
}

// Body returns the wire form of b.
func (b BeginRequest) Body() [8]byte {
	body := [8]byte{byte(b.Role >> 8), byte(b.Role), byte(b.Flags)}
	if b.Flags&Interim != 0 {
		body[3] = b.Site
		binary.BigEndian.PutUint32(body[4:], b.Since)
	}
	return body
}

// ParseBeginRequest decodes the eight bytes of a BEGIN_REQUEST body.
func ParseBeginRequest(b [8]byte) BeginRequest {
	begin := BeginRequest{Role: Role(binary.BigEndian.Uint16(b[:])), Flags: Flags(b[2])}
	if begin.Flags&Interim != 0 {
		begin.Since, begin.Site = binary.BigEndian.Uint32(b[4:]), b[3]
	}
	return begin
}

// EndRequest is the body of an END_REQUEST record (FCGI_EndRequestBody, §5.5).
type EndRequest struct {
	AppStatus      uint32 // for a responder: what exit() would have been in CGI; stock PHP sends 0
	ProtocolStatus ProtocolStatus
}

// Body returns the wire form of e, reserved bytes zero. (Stock PHP leaves in them
// what was in its buffer.)
func (e EndRequest) Body() (b [8]byte) {
	binary.BigEndian.PutUint32(b[:], e.AppStatus)
	b[4] = byte(e.ProtocolStatus)
	return b
}

// ParseEndRequest decodes the eight bytes of an END_REQUEST body.
func ParseEndRequest(b [8]byte) EndRequest {
	return EndRequest{AppStatus: binary.BigEndian.Uint32(b[:]), ProtocolStatus: ProtocolStatus(b[4])}
}
