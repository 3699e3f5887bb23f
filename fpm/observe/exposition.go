package observe

import (
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Kind is what a metric is.
type Kind string

// The kinds.
const (
	Counter   Kind = "counter"
	Gauge     Kind = "gauge"
	Histogram Kind = "histogram"
)

// format is one of the two text formats.
type format int

const (
	text        format = iota // Prometheus's, version 0.0.4
	openMetrics               // OpenMetrics 1.0.0
)

// contentType is the value of Content-Type.
func (f format) contentType() string {
	if f == openMetrics {
		return "application/openmetrics-text; version=1.0.0; charset=utf-8"
	}
	return "text/plain; version=0.0.4; charset=utf-8"
}

// chosen returns the format for a client's Accept headers: OpenMetrics if they name it and do not refuse it.
func chosen(accept []string) format {
	for _, header := range accept {
		for one := range strings.SplitSeq(header, ",") {
			media, parameters, _ := strings.Cut(one, ";")
			if !strings.EqualFold(strings.TrimSpace(media), "application/openmetrics-text") {
				continue
			}
			fits := true
			for p := range strings.SplitSeq(parameters, ";") {
				switch name, value, _ := strings.Cut(strings.TrimSpace(p), "="); strings.ToLower(name) {
				case "version":
					fits = fits && (value == "1.0.0" || value == "0.0.1")
				case "q":
					if q, err := strconv.ParseFloat(value, 64); err == nil && q == 0 {
						fits = false
					}
				}
			}
			if fits {
				return openMetrics
			}
		}
	}
	return text
}

// exposition is a page of metrics as it is written. A family is begun, then come its samples.
type exposition struct {
	format  format
	to      io.Writer
	out     []byte // what is not written yet
	err     error  // of to
	family  *Family
	begun   bool // the family's head is written
	scratch labels
}

// piece is how much is written at once, in bytes.
const piece = 32 << 10

// flush writes what there is.
func (e *exposition) flush() {
	if e.err == nil && len(e.out) > 0 {
		_, e.err = e.to.Write(e.out)
	}
	e.out = e.out[:0]
}

// begin begins a family. Its head is written with the first sample: one without samples does not appear.
func (e *exposition) begin(f *Family) { e.family, e.begun = f, false }

func (e *exposition) head() {
	if e.begun {
		return
	}
	e.begun = true
	name := e.family.Name
	if e.format == openMetrics && e.family.Kind == Counter {
		name = strings.TrimSuffix(name, "_total")
	}
	e.out = append(append(append(e.out, "# HELP "...), name...), ' ')
	e.out = appendEscaped(e.out, e.family.Help, e.format == openMetrics)
	e.out = append(append(append(e.out, "\n# TYPE "...), name...), ' ')
	e.out = append(append(e.out, e.family.Kind...), '\n')
}

// labels are the values of a family's labels, in its order, each escaped already.
type labels []byte

// with makes labels of names and values: name, value, name, value.
func with(dst labels, pairs ...string) labels {
	dst = dst[:0]
	for i := 0; i+1 < len(pairs); i += 2 {
		dst = more(dst, pairs[i], pairs[i+1])
	}
	return dst
}

// more adds a label.
func more(dst labels, name, value string) labels {
	if len(dst) > 0 {
		dst = append(dst, ',')
	}
	dst = append(append(dst, name...), `="`...)
	return append(appendEscaped(dst, value, true), '"')
}

// appendEscaped appends a text of a label, or of help, in which OpenMetrics has quotes escaped, too. What is not UTF-8 is replaced: it would make the
// page unreadable as a whole.
func appendEscaped(dst []byte, s string, quotes bool) []byte {
	for _, r := range s {
		switch {
		case r == '\\':
			dst = append(dst, `\\`...)
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '"' && quotes:
			dst = append(dst, `\"`...)
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}

// sample writes a sample of the present family.
func (e *exposition) sample(l labels, value float64) { e.line("", l, "", value) }

// count is sample for a whole number.
func (e *exposition) count(l labels, n uint64) { e.sample(l, float64(n)) }

// line writes a sample whose name ends in suffix. le is the label of a bucket; empty: it is none.
func (e *exposition) line(suffix string, l labels, le string, value float64) {
	if len(e.out) >= piece {
		e.flush()
	}
	e.head()
	e.out = append(append(e.out, e.family.Name...), suffix...)
	if len(l) > 0 || le != "" {
		e.out = append(append(e.out, '{'), l...)
		if le != "" {
			if len(l) > 0 {
				e.out = append(e.out, ',')
			}
			e.out = append(append(append(e.out, `le="`...), le...), '"')
		}
		e.out = append(e.out, '}')
	}
	e.out = append(appendValue(append(e.out, ' '), value), '\n')
}

// appendValue appends a number.
func appendValue(dst []byte, v float64) []byte {
	switch {
	case v == math.Trunc(v) && math.Abs(v) < 1<<53:
		return strconv.AppendInt(dst, int64(v), 10)
	case math.IsInf(v, 1):
		return append(dst, "+Inf"...)
	}
	return strconv.AppendFloat(dst, v, 'g', -1, 64)
}

// bound returns the value of a bucket's label: OpenMetrics writes whole numbers with a point.
func (f format) bound(v float64) string {
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if f == openMetrics && !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// histogram writes the samples of a histogram. counts are those of its buckets, not cumulative, the last of them above all bounds.
func (e *exposition) histogram(l labels, counts []uint64, bounds []string, sum float64) {
	total := uint64(0)
	for i, n := range counts {
		total += n
		le := "+Inf"
		if i < len(bounds) {
			le = bounds[i]
		}
		e.line("_bucket", l, le, float64(total))
	}
	e.line("_sum", l, "", sum)
	e.line("_count", l, "", float64(total))
}

// write writes the page of a picture.
func (p *picture) write(to io.Writer, f format, families []Family) error {
	e := &exposition{format: f, to: to}
	for i := range families {
		e.begin(&families[i])
		families[i].write(e, p)
	}
	if f == openMetrics {
		e.out = append(e.out, "# EOF\n"...)
	}
	e.flush()
	return e.err
}
