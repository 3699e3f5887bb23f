package scoreboard

import (
	"sync/atomic"
	"unsafe"
)

// Sent is what the client has of the response to the present request, by the worker's word.
type Sent uint64

// What it may have.
const (
	SentNothing Sent = iota
	SentPart         // something was written to it
	SentAll          // the script has ended the response, and continues: fastcgi_finish_request()
	SentOverdue      // 504, by a worker that was ended for the time that the request has taken
)

// Mark returns where Sent stands: the worker writes SentNothing there when it begins a request, and SentPart or SentAll as it answers.
func (s *Slot) Mark() *uint64 { return &s.page.sent }

// Sent returns what a worker says of the response. A worker may say anything.
func (r *Reader) Sent(i int) Sent {
	if !r.has(i) {
		return SentNothing
	}
	sent := Sent(atomic.LoadUint64(&r.slotPage(i).sent))
	if sent > SentOverdue {
		return SentAll
	}
	return sent
}

// ReportRoom returns the memory for the worker's report, and where its length stands: 0 until there is one. The process writes the
// report when it dies, and the memory outlives the process.
func (s *Slot) ReportRoom() (room []byte, length *uint64) {
	return s.own[ownPages(s.pageSize)*s.pageSize:], &s.page.report
}

// Report returns what slot i's worker has left there; empty: nothing. A worker may have left anything.
func (r *Reader) Report(i int) string {
	if !r.Used(i) {
		return ""
	}
	p := r.slotPage(i)
	n := min(atomic.LoadUint64(&p.report), uint64(reportPages*r.pageSize))
	if n == 0 || atomic.LoadUint64(&p.ticket) != r.ticket(i) {
		return ""
	}
	words := make([]uint64, (n+wordSize-1)/wordSize)
	load(unsafe.Pointer(&words[0]), unsafe.Pointer(&r.mem[r.at(i)+ownPages(r.pageSize)*r.pageSize]), uintptr(len(words)))
	return string(unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), n))
}
