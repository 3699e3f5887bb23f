package observe

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
)

// source is where the spans of a pool come from.
type source struct {
	pool contract.ObservedPool
	file *os.File
}

// read hands the spans of a pool to the exporter until either ends. What is not a span is dropped: a worker falsifies the traces of its own pool alone.
func (s *source) read(e *exporter) {
	packet := make([]byte, contract.MostSpan)
	for {
		n, err := s.file.Read(packet)
		if err != nil || n == 0 { // the generation is gone, or the exporter ends
			return
		}
		if span := s.span(packet[:n]); span != nil && !e.put(span) {
			return
		}
	}
}

// span returns a packet as a Span of OTLP; nil: it is none.
func (s *source) span(packet []byte) []byte {
	span, ok := contract.ParseSpan(packet)
	if !ok {
		return nil
	}
	return appendSpan(nil, &s.pool, span)
}

// rest returns the spans that are there already.
func (s *source) rest(most int) (spans [][]byte) {
	raw, err := s.file.SyscallConn()
	if err != nil {
		return nil
	}
	packet := make([]byte, contract.MostSpan)
	raw.Control(func(fd uintptr) {
		for len(spans) < most {
			n, err := unix.Read(int(fd), packet)
			if err == unix.EINTR {
				continue
			}
			if err != nil || n <= 0 {
				return
			}
			if span := s.span(packet[:n]); span != nil {
				spans = append(spans, span)
			}
		}
	})
	return spans
}

// startExport begins to export what the sources bring.
func (p *process) startExport(sources []*source) {
	p.sources = sources
	go p.exporter.run()
	for _, s := range sources {
		go s.read(p.exporter)
	}
}

// endExport exports what is there, and ends.
func (p *process) endExport() {
	if p.exporter == nil {
		return
	}
	var rest [][]byte
	for _, s := range p.sources {
		rest = append(rest, s.rest(mostQueued-len(rest))...)
	}
	p.exporter.finish(rest)
}
