package fastcgi

import (
	"fmt"
	"testing"
)

func TestRecordBytes(t *testing.T) {
	begin := BeginRequest{Role: RoleFilter, Flags: KeepConn}.Body()
	end := EndRequest{0x01020304, Overloaded}.Body()
	for _, tt := range []struct {
		name string
		rec  Record
		want string
	}{
		{"empty stdin", Record{Type: TypeStdin, RequestID: 1}, "\x01\x05\x00\x01\x00\x00\x00\x00"},
		{"padding", Record{TypeStdout, 0x1234, []byte("hello"), 3}, "\x01\x06\x12\x34\x00\x05\x03\x00hello\x00\x00\x00"},
		{"begin", Record{Type: TypeBeginRequest, RequestID: 1, Content: begin[:]}, "\x01\x01\x00\x01\x00\x08\x00\x00\x00\x03\x01\x00\x00\x00\x00\x00"},
		{"end", Record{Type: TypeEndRequest, RequestID: 1, Content: end[:]}, "\x01\x03\x00\x01\x00\x08\x00\x00\x01\x02\x03\x04\x02\x00\x00\x00"},
	} {
		got := tt.rec.AppendTo(nil)
		wantBytes(t, tt.name, got, []byte(tt.want))
		h := ParseHeader(got)
		if h.Type != tt.rec.Type || h.RequestID != tt.rec.RequestID ||
			int(h.ContentLength) != len(tt.rec.Content) || h.PaddingLength != tt.rec.PaddingLength {
			t.Errorf("%s: header %+v", tt.name, h)
		}
	}
	if got := ParseBeginRequest(begin); got != (BeginRequest{Role: RoleFilter, Flags: KeepConn}) {
		t.Errorf("begin: %+v", got)
	}
	since := BeginRequest{Role: RoleResponder, Flags: Interim | KeepConn, Since: 0x02030405, Site: 1}.Body()
	wantBytes(t, "since", since[:], []byte("\x00\x01\x81\x01\x02\x03\x04\x05"))
	if got := ParseBeginRequest(since); got.Since != 0x02030405 || got.Site != 1 {
		t.Errorf("since: %+v", got)
	}
	since[2] = byte(KeepConn) // what the bytes say is the client's own affair
	if got := ParseBeginRequest(since); got != (BeginRequest{Role: RoleResponder, Flags: KeepConn}) {
		t.Errorf("since, without Interim: %+v", got)
	}
	if got := ParseEndRequest(end); got != (EndRequest{0x01020304, Overloaded}) {
		t.Errorf("end: %+v", got)
	}
}

func TestNames(t *testing.T) {
	for v, want := range map[fmt.Stringer]string{
		TypeGetValuesResult: "GET_VALUES_RESULT",
		Type(0):             "type 0",
		Type(42):            "type 42",
		RoleAuthorizer:      "AUTHORIZER",
		Role(9):             "role 9",
		CantMpxConn:         "CANT_MPX_CONN",
		ProtocolStatus(9):   "status 9",
	} {
		if v.String() != want {
			t.Errorf("%T: %q, want %q", v, v, want)
		}
	}
}
