package contract

import (
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

func TestRecord(t *testing.T) {
	for _, length := range []int{0, 10, MaxMessage - 1, MaxMessage, 100000, MostRecord} {
		sent := Record{Level: zlog.Error, Pool: "www", RequestID: "60fd", TraceID: "t", SpanID: "s", Method: "GET", Host: "h", URI: "/\x00", Script: "x.php",
			Text: strings.Repeat("a", length)}
		var all Records
		var got *Record
		sent.Send(func(letter byte, text string) {
			if len(text) > MaxMessage-1 {
				t.Fatalf("a message of %d bytes", len(text)+1)
			}
			if got != nil {
				t.Fatal("a message behind the last part")
			}
			var ok bool
			if got, ok = all.Take(letter, text); !ok {
				t.Fatal("the record is not taken")
			}
		})
		if got == nil || *got != sent {
			t.Errorf("%d bytes: got another record", length)
		}
	}
}

// TestRecordOfAHostileWorker has parts without end, and damaged ones.
func TestRecordOfAHostileWorker(t *testing.T) {
	var all Records
	refused := false
	for range 2 * MostRecord / MaxMessage {
		if _, ok := all.Take(RecordPart, strings.Repeat("x", MaxMessage-1)); !ok {
			refused = true
		}
	}
	if !refused {
		t.Error("parts without end are taken")
	}
	for _, text := range []string{"", "\x00", "\x09", "\x01", "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x01" + strings.Repeat("\x00", 8) + "\x05a",
		"\x01" + strings.Repeat("\x00", 9) + "x"} {
		if r, ok := (&Records{}).Take(RecordIs, text); ok {
			t.Errorf("%q is taken as %+v", text, r)
		}
	}
}

func FuzzRecord(f *testing.F) {
	f.Add("\x01" + strings.Repeat("\x00", 9))
	f.Fuzz(func(t *testing.T, text string) {
		r, ok := parseRecord(text)
		if !ok {
			return
		}
		var all Records
		r.Send(func(letter byte, text string) {
			if again, ok := all.Take(letter, text); !ok || again != nil && len(r.URI) < mostField && again.Text != r.Text {
				t.Fatal("it does not come back")
			}
		})
	})
}
