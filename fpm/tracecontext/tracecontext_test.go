package tracecontext

import (
	"fmt"
	"strings"
	"testing"
)

const (
	trace  = "4bf92f3577b34da6a3ce929d0e0e4736"
	parent = "00f067aa0ba902b7"
)

// TestParse has the specification's own examples, and those of its test suite (trace-context, test/test.py).
func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		ok         bool
		flags      byte
	}{
		{"sampled", "00-" + trace + "-" + parent + "-01", true, 1},
		{"not sampled", "00-" + trace + "-" + parent + "-00", true, 0},
		{"other flags", "00-" + trace + "-" + parent + "-ff", true, 0xff},
		{"a later version", "cc-" + trace + "-" + parent + "-01", true, 1},
		{"a later version that continues", "cc-" + trace + "-" + parent + "-01-what-the-future-will-be-like", true, 1},
		{"a later version that continues otherwise", "cc-" + trace + "-" + parent + "-01.what", false, 0},
		{"version 00 that continues", "00-" + trace + "-" + parent + "-01-x", false, 0},
		{"version ff", "ff-" + trace + "-" + parent + "-01", false, 0},
		{"version .0", ".0-" + trace + "-" + parent + "-01", false, 0},
		{"version of three digits", "000-" + trace + "-" + parent + "-01", false, 0},
		{"no trace", "00-" + strings.Repeat("0", 32) + "-" + parent + "-01", false, 0},
		{"no parent", "00-" + trace + "-" + strings.Repeat("0", 16) + "-01", false, 0},
		{"upper case", "00-" + strings.ToUpper(trace) + "-" + parent + "-01", false, 0},
		{"upper case of the parent", "00-" + trace + "-" + strings.ToUpper(parent) + "-01", false, 0},
		{"illegal trace", "00-.bf92f3577b34da6a3ce929d0e0e4736-" + parent + "-01", false, 0},
		{"long trace", "00-" + trace + "0-" + parent + "-01", false, 0},
		{"short trace", "00-" + trace[1:] + "-" + parent + "-01", false, 0},
		{"long parent", "00-" + trace + "-" + parent + "0-01", false, 0},
		{"flags of one digit", "00-" + trace + "-" + parent + "-1", false, 0},
		{"flags .0", "00-" + trace + "-" + parent + "-.0", false, 0},
		{"flags of three digits", "00-" + trace + "-" + parent + "-001", false, 0},
		{"two of them", "00-" + trace + "-" + parent + "-01, 00-" + trace + "-" + parent + "-01", false, 0},
		{"empty", "", false, 0},
	} {
		c := Context{Span: SpanID{9}}
		before := c
		if ok := c.Parse([]byte(tt.text)); ok != tt.ok {
			t.Errorf("%s: %v", tt.name, ok)
			continue
		}
		if !tt.ok && c != before {
			t.Errorf("%s: something was taken of it", tt.name)
		}
		if tt.ok && (fmt.Sprintf("%x %x", c.Trace, c.Parent) != trace+" "+parent || c.Flags != tt.flags || c.Span != before.Span) {
			t.Errorf("%s: %+v", tt.name, c)
		}
	}
}

func TestAppendParent(t *testing.T) {
	var c Context
	c.Parse([]byte("cc-" + trace + "-" + parent + "-03"))
	c.Span = SpanID{0xab, 1, 2, 3, 4, 5, 6, 7}
	if got, want := string(c.AppendParent(nil)), "00-"+trace+"-ab01020304050607-01"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	c.Flags = 0
	if got, want := string(c.AppendParent(nil)), "00-"+trace+"-ab01020304050607-00"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestOwn(t *testing.T) {
	var c, d Context
	c.NewTrace()
	c.NewSpan()
	if !d.ParseOwn(c.AppendOwn(nil)) || d != c {
		t.Errorf("%+v became %+v", c, d)
	}
	for _, text := range []string{"", strings.Repeat("0", OwnLength), trace + "-" + strings.Repeat("0", 16), trace + parent + "0", trace + "-" + parent + "0"} {
		if d.ParseOwn([]byte(text)) {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestState(t *testing.T) {
	many := func(n int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf("k%d=1", i))
		}
		return strings.Join(all, ",")
	}
	for text, want := range map[string]bool{
		"foo=1": true, "foo=1,bar=2": true, "foo=1 , bar=2": true, "foo=1,,bar=2": true, "foo= 1": true,
		"tenant@system=x": true, "a0_-*/=1": true, "0a=1": true, "foo=a/b:c~": true,
		"": false, ",": false, "foo": false, "=1": false, "foo=": false, "foo=1=2": false, "FOO=1": false, "foo@=1": false, "@foo=1": false,
		"a@b@c=1": false, "foo@1-=1": true, "foo@_=1": false, "foo=\x01": false, "foo=ü": false, "f oo=1": false, "foo =1": false,
		many(32): true, many(33): false,
		strings.Repeat("a", 256) + "=1": true, strings.Repeat("a", 257) + "=1": false,
		strings.Repeat("t", 241) + "@" + strings.Repeat("s", 14) + "=1": true, strings.Repeat("t", 242) + "@s=1": false, "t@" + strings.Repeat("s", 15) + "=1": false,
		"foo=" + strings.Repeat("v", 256): true, "foo=" + strings.Repeat("v", 257): false,
	} {
		if got := IsState([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestSampler(t *testing.T) {
	asked := func(flags string) Context {
		var c Context
		c.Parse([]byte("00-" + trace + "-" + parent + "-" + flags))
		return c
	}
	decide := func(s Sampler, c Context) bool { s.Decide(&c); return c.IsSampled() }
	for _, tt := range []struct {
		s                         Sampler
		sampled, unsampled, fresh bool
	}{
		{Sampler{true, All}, true, false, true},
		{Sampler{true, 0}, true, false, false},
		{Sampler{false, All}, true, true, true},
		{Sampler{false, 0}, false, false, false},
	} {
		var fresh Context
		fresh.NewTrace()
		if got := [3]bool{decide(tt.s, asked("01")), decide(tt.s, asked("00")), decide(tt.s, fresh)}; got != [3]bool{tt.sampled, tt.unsampled, tt.fresh} {
			t.Errorf("%+v: %v", tt.s, got)
		}
	}
	n, s := 0, Sampler{true, Ratio(0.25)}
	for range 10000 {
		var c Context
		c.NewTrace()
		if s.Decide(&c); c.IsSampled() {
			n++
		}
	}
	if n < 2000 || n > 3000 {
		t.Errorf("of 10000 traces %d are sampled at a ratio of 0.25", n)
	}
	if Ratio(1) != All || Ratio(2) != All || Ratio(0) != 0 || Ratio(-1) != 0 {
		t.Error("ratios")
	}
}

// TestNothingAllocates has what is done for each request.
func TestNothingAllocates(t *testing.T) {
	text, state, room := []byte("00-"+trace+"-"+parent+"-01"), []byte("foo=1,bar=2"), make([]byte, 0, 64)
	s := Sampler{true, All}
	Random()
	if n := testing.AllocsPerRun(100, func() {
		var c Context
		if !c.Parse(text) {
			c.NewTrace()
		}
		c.NewSpan()
		s.Decide(&c)
		IsState(state)
		room = c.AppendParent(room[:0])
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("00-" + trace + "-" + parent + "-01")
	f.Fuzz(func(t *testing.T, text string) {
		var c, again Context
		if !c.Parse([]byte(text)) {
			return
		}
		c.Span = c.Parent
		if !again.Parse(c.AppendParent(nil)) || again.Trace != c.Trace || again.Parent != c.Parent {
			t.Fatalf("%q does not come back", text)
		}
	})
}
