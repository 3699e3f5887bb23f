package fastcgi

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// list writes params as name=value lines.
func list(p *Params) string {
	var s strings.Builder
	for i := range p.Len() {
		name, value := p.At(i)
		fmt.Fprintf(&s, "%s=%s\n", name, value)
	}
	return s.String()
}

func TestParamsParse(t *testing.T) {
	long := strings.Repeat("v", 300)
	var p Params // one for all: nothing may be left of the case before
	for _, tt := range []struct {
		name, wire, want string
	}{
		{"nothing", "", ""},
		{"one-byte lengths", "\x01\x02abc", "a=bc\n"},
		{"empty value", "\x01\x00a", "a=\n"},
		{"empty name", "\x00\x01b", "=b\n"},
		{"both empty", "\x00\x00", "=\n"},
		{"four-byte value", "\x01\x80\x00\x01\x2ca" + long, "a=" + long + "\n"},
		{"four-byte name", "\x80\x00\x01\x2c\x01" + long + "a", long + "=a\n"},
		{"four bytes for little", "\x80\x00\x00\x01\x80\x00\x00\x01ab", "a=b\n"},
		{"127 and 128", pairs("n", long[:127], "m", long[:128]), "n=" + long[:127] + "\nm=" + long[:128] + "\n"},
		{"NUL inside", "\x03\x03a\x00bc\x00d", "a\x00b=c\x00d\n"},
		{"later value wins, first place stays", pairs("a", "1", "b", "2", "a", "three"), "a=three\nb=2\n"},
	} {
		if err := p.Parse([]byte(tt.wire)); err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := list(&p); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
		checkCStrings(t, &p)
	}
}

// checkCStrings checks that every value is followed by a NUL.
func checkCStrings(t *testing.T, p *Params) {
	t.Helper()
	for _, pr := range p.Pairs() {
		if b := p.Bytes(); b[pr.Value+pr.ValueLen] != 0 {
			t.Errorf("no NUL after the value of %+v in %q", pr, b)
		}
	}
}

func TestParamsMalformed(t *testing.T) {
	for _, tt := range []struct{ wire, want string }{
		{"\x01", "param 0: ends within the length of a value"},
		{"\x80\x00\x00", "param 0: ends within the length of a name"},
		{"\x01\x80\x00\x00", "param 0: ends within the length of a value"},
		{"\x01\x01a", "param 0: name of 1 and value of 1 bytes, 1 are there"},
		{"\x01\x01ab\x02\x00c", "param 1: name of 2 and value of 0 bytes, 1 are there"},
		{"\xff\xff\xff\xff\xff\xff\xff\xff", "param 0: name of 2147483647 and value of 2147483647 bytes, 0 are there"},
		{"\x80\x00\x00\x01\xff\xff\xff\xffa", "param 0: name of 1 and value of 2147483647 bytes, 1 are there"},
	} {
		var p Params
		err := p.Parse([]byte(tt.wire))
		if !errors.Is(err, ErrMalformed) || err.Error() != tt.want {
			t.Errorf("%q: %v, want %s", tt.wire, err, tt.want)
		}
	}
}

func TestParamsGetSetDelete(t *testing.T) {
	var p Params
	if p.Get("A") != nil {
		t.Error("zero Params have a param")
	}
	if err := p.Parse([]byte(pairs("A", "1", "B", "", "C", "3"))); err != nil {
		t.Fatal(err)
	}
	if b := p.Get("B"); b == nil || len(b) != 0 {
		t.Errorf("empty value: %#v", b)
	}
	if p.Get("D") != nil || p.Get("") != nil {
		t.Error("found what is not there")
	}
	p.Set("D", p.Get("C"))
	p.Set("A", []byte("one"))
	p.Delete("B")
	p.Delete("nobody")
	if got := list(&p); got != "A=one\nC=3\nD=3\n" {
		t.Errorf("got %q", got)
	}
	for name, want := range map[string]string{"A": "one", "C": "3", "D": "3"} {
		if got := string(p.Get(name)); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if p.Get("B") != nil {
		t.Error("B is still there")
	}
	checkCStrings(t, &p)
	p.Reset()
	if p.Len() != 0 || p.Get("A") != nil {
		t.Error("Reset left params")
	}
}

// Many params make the index grow; every one must still be found.
func TestParamsMany(t *testing.T) {
	const n = 3000
	var nv []string
	for i := range n {
		nv = append(nv, fmt.Sprintf("NAME_%d", i), fmt.Sprint(i))
	}
	var p Params
	for range 2 {
		if err := p.Parse([]byte(pairs(nv...))); err != nil || p.Len() != n {
			t.Fatal(err, p.Len())
		}
		for i := range n {
			if got := string(p.Get(nv[2*i])); got != nv[2*i+1] {
				t.Fatalf("%s is %q", nv[2*i], got)
			}
		}
	}
}

// A slice from Get keeps its neighbours safe from append.
func TestParamsAppendToValue(t *testing.T) {
	var p Params
	p.Parse([]byte(pairs("A", "1", "B", "2")))
	_ = append(p.Get("A"), "XXXXXXXX"...)
	if got := string(p.Get("B")); got != "2" {
		t.Errorf("B is %q", got)
	}
}

// Params that were added are those that come on the wire.
func TestAddedParamsAreParsedOnes(t *testing.T) {
	var parsed, added Params
	var wire []byte
	for i := range 300 {
		name, value := fmt.Sprintf("NAME_%d", i), strings.Repeat("v", i)
		wire = AppendPair(wire, name, value)
		if i%2 == 0 {
			added.Add(name, value)
		} else {
			added.AddBytes([]byte(name), []byte(value))
		}
	}
	if err := parsed.Parse(wire); err != nil {
		t.Fatal(err)
	}
	if list(&parsed) != list(&added) {
		t.Error("they differ")
	}
	checkCStrings(t, &added)
	for i := range 300 {
		if got := added.Get(fmt.Sprintf("NAME_%d", i)); len(got) != i || got == nil {
			t.Errorf("NAME_%d: got %q", i, got)
		}
	}
}
