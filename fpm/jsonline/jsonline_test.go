package jsonline

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestLine(t *testing.T) {
	at := time.Date(2026, 11, 27, 19, 29, 46, 123456789, time.FixedZone("", 3600))
	b := Begin(nil, at)
	b = Text(b, "method", "GET")
	b = TextIf(b, "user", "")
	b = Int(b, "status", 200)
	b = Seconds(b, "duration", 1834567*time.Nanosecond)
	b = True(b, "truncated")
	want := `{"timestamp":"2026-11-27T19:29:46.123456+01:00","method":"GET","status":200,"duration":0.001835,"truncated":true}` + "\n"
	if got := string(End(b)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestString(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", `""`},
		{`a"b\`, `"a\"b\\"`},
		{"a\nb\r\t\x00\x1b\x7f", `"a\nb\u000d\u0009\u0000\u001b\u007f"`},
		{"ü€😀", `"ü€😀"`},
		{"\xff\xc3", `"��"`},
		{"\u0085\u009b", `"\u0085\u009b"`},
		{`","level":"alert`, `"\",\"level\":\"alert"`},
	} {
		if got := string(String(nil, tt.in)); got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.in, got, tt.want)
		}
		if got := string(String(nil, []byte(tt.in))); got != tt.want {
			t.Errorf("bytes %q: got %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestTextWithin(t *testing.T) {
	for _, tt := range []struct {
		in   string
		most int
		want string
		cut  bool
	}{
		{"abc", 3, `,"x":"abc"`, false},
		{"abcd", 3, `,"x":"abc"`, true},
		{"\x01\x01", 11, `,"x":"\u0001"`, true},
		{"aü", 2, `,"x":"a"`, true},
		{"", 2, ``, false},
	} {
		got, cut := TextWithin(nil, "x", tt.in, tt.most)
		if string(got) != tt.want || cut != tt.cut {
			t.Errorf("%q within %d: got %s, %v; want %s, %v", tt.in, tt.most, got, cut, tt.want, tt.cut)
		}
	}
}

func TestChunk(t *testing.T) {
	line := strings.Repeat("a", 1499) + "\n"
	long := strings.Repeat("b", 9000) + "\n"
	for _, tt := range []struct {
		lines string
		want  int
	}{
		{line, 1500}, {line + line + line, 3000}, {line + long, 1500}, {long + line, 9001}, {"", 0},
	} {
		if got := Chunk([]byte(tt.lines)); got != tt.want {
			t.Errorf("%d bytes: %d are written at once, want %d", len(tt.lines), got, tt.want)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("plain", 10)
	f.Add("\"}\n{\"level\":\"alert\x00\xff", 7)
	f.Fuzz(func(t *testing.T, text string, most int) {
		b := End(Text(Begin(nil, time.Unix(0, 0)), "message", text))
		if bytes.Count(b, []byte{'\n'}) != 1 || !utf8.Valid(b) {
			t.Fatalf("not a line: %q", b)
		}
		var object map[string]string
		if err := json.Unmarshal(b, &object); err != nil || len(object) != 2 {
			t.Fatalf("%v: %s", err, b)
		}
		if want := strings.ToValidUTF8(text, "�"); utf8.ValidString(text) && object["message"] != want {
			t.Fatalf("got %q, want %q", object["message"], want)
		}
		if most = most & 0xff; most >= 0 {
			cut, _ := TextWithin(nil, "m", text, most)
			if len(text) > 0 && len(cut) > most+len(`,"m":""`) {
				t.Fatalf("%d bytes within %d", len(cut), most)
			}
		}
	})
}
