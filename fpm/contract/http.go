package contract

import (
	"encoding/binary"

	"github.com/phpsapi/phpsapi/fpm/permission"
)

// HTTP is what a worker needs to know to speak HTTP/1.1 itself, beside FastCGI. It is there if all sites of the front are of the
// worker's pool; then the worker accepts from the front's listeners without TLS, too.
//
// The worker answers what it can answer at once, and hands everything else to the front, connection and all: what is not plain
// HTTP/1.1, what has not come in whole, files that are long or not open to the front, and connections that wait for a request.
//
//	worker                                  front
//	  HandOver + fd, on ToFront        ->     goes on where the worker stopped
//	                                   <-   Wake + fd, on FromFront: a connection that waited, and on which a request comes
//
// Both sockets are ends of SOCK_SEQPACKET pairs that all workers of the pool share. The master keeps both pairs for as long as the
// addresses are served, so that a message in them survives the processes at either end.
//
// The connection whose request a worker answers is in the worker's rescue socket meanwhile, a pair of the worker's and the master's.
// The worker puts it there before it runs PHP, and takes it out after. If the worker dies, the master gives the rescue socket to the
// front by Rescue, and the front answers 502 if nothing of the response was sent.
type HTTP struct {
	Listeners       []FrontListener // those that the worker accepts from, in the order of the HTTPListen files
	Sites           []Site          // as in Front
	TrustedProxies  []string        // as in Front
	Limits          FrontLimits     // as in Front
	AccessLogFormat string          // as in Front; the file FrontAccess is the log, if there is one
	FrontPool       FrontPool       // as in Front
	// FrontUser is who the front is; nil: the workers' user. A worker sends no file that the front could not.
	FrontUser *permission.User
}

// The descriptors of a worker that speaks HTTP. Those for listeners come in the order of HTTP.Listeners; FrontAccess is the access
// log of HTTP.
const (
	HTTPListen File = "http listen for workers" // a listening socket of the front's
	ToFront    File = "to the front"            // the sending end for HandOver messages
	FromFront  File = "from the front"          // the receiving end for Wake messages
	RescueIn   File = "rescue in"               // the end at which the worker puts a connection into the rescue socket
	RescueOut  File = "rescue out"              // the end at which it is taken out
)

// The descriptors of a front whose pool's workers speak HTTP. A front that replaces such a one has FromWorkers, too.
const (
	FromWorkers File = "from the workers" // the receiving end for HandOver messages
	ToWorkers   File = "to the workers"   // the sending end for Wake messages
	Untaken     File = "untaken"          // their receiving end, by which a front takes back what no worker has taken
)

// LeaveHTTP, from the master to a worker when the service ends, asks it to accept no more by HTTP, to hand its kept connection over, and
// to take Wake messages no more. It continues with FastCGI. A worker that has done so has the state scoreboard.NoHTTP.
const LeaveHTTP = 'U'

// HTTPAccessLog brings a worker the access log of HTTP, which was opened again. It replaces the one that the worker has.
const HTTPAccessLog = 'H'

// NoMore, from the master to a front that was told to Quit, says that no worker hands over anything any more. Until then, and for as
// long as its drain_timeout, the front takes what comes.
const NoMore = 'N'

// Letters on ToFront.
const (
	// Unserved hands over a connection with what has been read of its next request; without text the connection waits for one.
	Unserved = 'U'
	// Output hands over a connection within a response: the text is what is still to be sent. If a second descriptor came with it, it
	// is the receiving end of a SOCK_SEQPACKET pair on which the rest follows, in packets of OutputMore, up to OutputEnd or
	// OutputClose. A pair that ends without one of these says that the response was cut off. With OutputFile it is a file instead.
	Output = 'O'
	// Named hands over a connection whose request a script has answered by a head that names a file, X-Sendfile or X-Accel-Redirect.
	// The text is the length of that head, 4 bytes, little endian, the head in CGI's form, and then the request as it was read.
	Named = 'N'
)

// How the text of an Output continues: HandOver.Next, or the byte before the text of a packet on the second descriptor.
const (
	OutputMore  = 'M' // on the second descriptor
	OutputEnd   = 'E' // nothing follows, and the connection carries its next request then, of which the text is what was read
	OutputClose = 'C' // nothing follows, and the connection is to be closed then
	OutputFile  = 'F' // in a message alone: the text is a FilePart, and what is still to be sent is that part of the second descriptor
)

// FilePart is what is left to send of a file. Next is OutputEnd, with Behind as its text, or OutputClose.
type FilePart struct {
	Offset, Length int64
	Next           byte
	Behind         []byte
}

// filePartHead is the length of a FilePart without Behind.
const filePartHead = 8 + 8 + 1

// AppendFilePart appends a FilePart to dst.
func AppendFilePart(dst []byte, p *FilePart) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(p.Offset))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(p.Length))
	return append(append(dst, p.Next), p.Behind...)
}

// ParseFilePart reads what AppendFilePart wrote. Behind is a part of text. It returns false if text is no FilePart.
func ParseFilePart(text []byte) (p FilePart, ok bool) {
	if len(text) < filePartHead {
		return p, false
	}
	p = FilePart{int64(binary.LittleEndian.Uint64(text)), int64(binary.LittleEndian.Uint64(text[8:])), text[16], text[filePartHead:]}
	return p, p.Offset >= 0 && p.Length >= 0 && (p.Next == OutputEnd || p.Next == OutputClose)
}

// HandOver is a message on ToFront, or with the letter Wake on FromFront. With it come the connection and, where a letter says so,
// a second descriptor.
type HandOver struct {
	Letter  byte
	Address string // FrontListener.Address of the listener that the connection came to
	Next    byte   // with Output: OutputMore, OutputEnd or OutputClose
	Text    []byte
}

// Wake brings a worker a connection on which a request has begun to come. It has no text: nothing of it has been read.
const Wake = 'W'

// handOverHead is the letter, Next, and the length of the address.
const handOverHead = 4

// AppendHandOver appends a message to dst. A message, MaxHanded bytes at most, is one packet.
func AppendHandOver(dst []byte, h *HandOver) []byte {
	dst = append(dst, h.Letter, h.Next)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(h.Address)))
	dst = append(dst, h.Address...)
	return append(dst, h.Text...)
}

// ParseHandOver reads what AppendHandOver wrote. Text is a part of packet. It returns false if packet is no such message.
func ParseHandOver(packet []byte) (h HandOver, ok bool) {
	if len(packet) < handOverHead {
		return h, false
	}
	n := int(binary.LittleEndian.Uint16(packet[2:]))
	if len(packet) < handOverHead+n {
		return h, false
	}
	return HandOver{packet[0], string(packet[handOverHead : handOverHead+n]), packet[1], packet[handOverHead+n:]}, true
}

// Rescue, from the master to a front, brings the receiving end of a worker's rescue socket, with a Rescued as JSON. If Late, the
// worker lives, and the connection is only to be looked at (MSG_PEEK): it is answered 504, and shut down.
const Rescue = 'F'

// Rescued says what is known of the request on a connection in a rescue socket.
type Rescued struct {
	Late     bool
	Sent     bool   // a part of the response was sent: the connection is only to be closed
	Idle     bool   // no request was under way: the connection waits for one
	ID       string // of the request
	Method   string
	URI      string // with the query
	Script   string
	Address  string // FrontListener.Address that the connection came to
	Pool     string
	Duration int64 // ns
}
