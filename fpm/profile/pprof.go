package profile

import (
	"compress/gzip"
	"io"
	"time"
)

// WritePprof writes what go tool pprof reads: the message Profile of pprof's profile.proto, compressed by gzip. Each sample has its count and the time that stands
// for, and the labels pool, host and path. The format is few rules, which are here; pprof's own package compiles two dozen regular expressions
// whenever a program starts that it is a part of.
func (p *Profile) WritePprof(w io.Writer) error {
	z := gzip.NewWriter(w)
	if _, err := z.Write(p.pprof()); err != nil {
		return err
	}
	return z.Close()
}

// The numbers of fields in profile.proto.
const (
	profileSampleType    = 1
	profileSample        = 2
	profileLocation      = 4
	profileFunction      = 5
	profileStringTable   = 6
	profileTimeNanos     = 9
	profileDurationNanos = 10
	profilePeriodType    = 11
	profilePeriod        = 12
	profileComment       = 13

	valueType = 1
	valueUnit = 2

	sampleLocation = 1
	sampleValue    = 2
	sampleLabel    = 3
	labelKey       = 1
	labelText      = 2

	locationID   = 1
	locationLine = 4
	lineFunction = 1
	lineNumber   = 2

	functionID     = 1
	functionName   = 2
	functionSystem = 3
	functionFile   = 4
)

// message is a message of protobuf as it is made.
type message []byte

func varint(b []byte, n uint64) []byte {
	for n >= 0x80 {
		b = append(b, byte(n)|0x80)
		n >>= 7
	}
	return append(b, byte(n))
}

// number adds a field that is a number.
func (m *message) number(field int, n int64) {
	*m = varint(varint(*m, uint64(field)<<3), uint64(n))
}

// bytes adds a field that is bytes, a text or a message.
func (m *message) bytes(field int, b []byte) {
	*m = append(varint(varint(*m, uint64(field)<<3|2), uint64(len(b))), b...)
}

// numbers adds a field that is a list of numbers.
func (m *message) numbers(field int, all []uint64) {
	var packed []byte
	for _, n := range all {
		packed = varint(packed, n)
	}
	m.bytes(field, packed)
}

// table is the table of texts. The first is empty.
type table struct {
	all   []string
	known map[string]int64
}

func (t *table) of(text string) int64 {
	n, is := t.known[text]
	if !is {
		n = int64(len(t.all))
		t.all, t.known[text] = append(t.all, text), n
	}
	return n
}

func (p *Profile) pprof() []byte {
	texts := &table{known: map[string]int64{}}
	texts.of("")
	typed := func(name, unit string) []byte {
		var m message
		m.number(valueType, texts.of(name))
		m.number(valueUnit, texts.of(unit))
		return m
	}
	var m, locations, functions message
	m.bytes(profileSampleType, typed("samples", "count"))
	m.bytes(profileSampleType, typed("wall", "nanoseconds"))
	period := int64(time.Second) / int64(max(p.Rate, 1))
	functionIDs, locationIDs := map[Frame]uint64{}, map[Frame]uint64{}
	location := func(f Frame) uint64 {
		if id := locationIDs[f]; id != 0 {
			return id
		}
		whole := Frame{Function: f.Function, File: f.File}
		function := functionIDs[whole]
		if function == 0 {
			function = uint64(len(functionIDs) + 1)
			functionIDs[whole] = function
			var one message
			one.number(functionID, int64(function))
			one.number(functionName, texts.of(f.Name()))
			one.number(functionSystem, texts.of(f.Name()))
			one.number(functionFile, texts.of(f.File))
			functions.bytes(profileFunction, one)
		}
		id := uint64(len(locationIDs) + 1)
		locationIDs[f] = id
		var line, one message
		line.number(lineFunction, int64(function))
		line.number(lineNumber, int64(f.Line))
		one.number(locationID, int64(id))
		one.bytes(locationLine, line)
		locations.bytes(profileLocation, one)
		return id
	}
	for _, s := range p.Samples {
		var ids []uint64
		for _, f := range s.Frames {
			ids = append(ids, location(f))
		}
		var one message
		one.numbers(sampleLocation, ids)
		one.numbers(sampleValue, []uint64{uint64(s.Count), uint64(int64(s.Count) * period)})
		for _, label := range [...][2]string{{"pool", s.Pool}, {"host", s.Host}, {"path", s.Path}} {
			if label[1] != "" {
				var l message
				l.number(labelKey, texts.of(label[0]))
				l.number(labelText, texts.of(label[1]))
				one.bytes(sampleLabel, l)
			}
		}
		m.bytes(profileSample, one)
	}
	m = append(append(m, locations...), functions...)
	m.number(profileTimeNanos, p.Began.UnixNano())
	m.number(profileDurationNanos, int64(p.Length))
	m.bytes(profilePeriodType, typed("wall", "nanoseconds"))
	m.number(profilePeriod, period)
	m.number(profileComment, texts.of(p.Title))
	for _, text := range texts.all {
		m.bytes(profileStringTable, []byte(text))
	}
	return m
}
