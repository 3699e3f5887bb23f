package zlog

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"
	"time"
)

// object parses the one line that a log has.
func object(t *testing.T, text string) map[string]any {
	t.Helper()
	if strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "}\n") {
		t.Fatalf("not one line: %q", text)
	}
	var all map[string]any
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return all
}

func toJSON(s *Settings) { s.JSON = true }

func TestJSON(t *testing.T) {
	const stamp = `{"timestamp":"2026-11-21T20:47:35.001234Z",`
	for _, tt := range []struct {
		name string
		log  func(*Log)
		want string
	}{
		{"of the master", func(l *Log) { l.Logf(Notice, "fpm is running, pid %d", 7) },
			`"level":"notice","message":"fpm is running, pid 7","pid":7}`},
		{"of a child", func(l *Log) { l.Log(Warning, "[pool www] child 417 exited on signal 11") },
			`"level":"warning","message":"child 417 exited on signal 11","pool":"www","pid":417}`},
		{"of a child without a pool", func(l *Log) { l.Log(Notice, "child 417 stopped for tracing") },
			`"level":"notice","message":"child 417 stopped for tracing","pid":417}`},
		{"of the front", func(l *Log) { l.Log(Notice, "[front] process 9 of generation 1 serves http://x") },
			`"level":"notice","message":"process 9 of generation 1 serves http://x","component":"front","pid":9}`},
		{"of a request", func(l *Log) { l.Log(Warning, "[pool www] request 60fd: GET /: script x: closed") },
			`"level":"warning","message":"request 60fd: GET /: script x: closed","pool":"www","pid":7,"request_id":"60fd"}`},
		{"other brackets", func(l *Log) { l.Log(Error, "[/etc/x:3] unknown entry") },
			`"level":"error","message":"[/etc/x:3] unknown entry","pid":7}`},
		{"system error", func(l *Log) { l.LogErr(Error, "failed to open", syscall.ENOENT) },
			`"level":"error","message":"failed to open: No such file or directory (2)","pid":7}`},
		{"about a request", func(l *Log) {
			l.LogAbout(Error, &About{Pool: "www", Pid: 9, Whole: true, RequestID: "r", TraceID: "t", SpanID: "s", Method: "GET", URI: "/x?\"",
				Duration: time.Second}, "[front] process 3: PHP Warning:  a\nb")
		}, `"level":"error","message":"[front] process 3: PHP Warning:  a\nb","pool":"www","pid":9,"request_id":"r","trace_id":"t","span_id":"s","method":"GET","uri":"/x?\"","duration":1.000000}`},
		{"an incident", func(l *Log) {
			l.LogAbout(Warning, &About{Incident: []byte(`{"number":1}`)}, "[pool www] child 4 exited")
		},
			`"level":"warning","message":"child 4 exited","pool":"www","pid":4,"incident":{"number":1}}`},
		{"what PHP says at its start", func(l *Log) { l.Msg(Notice, "PHP message: ", "PHP Warning:  x in Unknown on line 0") },
			`"level":"warning","message":"PHP Warning:  x in Unknown on line 0","pid":7}`},
		{"below the level", func(l *Log) { l.Log(Debug, "x") }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, stderr, _ := testLog(toJSON)
			l.Configure(func(s *Settings) {
				s.Now = func() time.Time { return time.Date(2026, 11, 21, 20, 47, 35, 1234000, time.UTC) }
			})
			tt.log(l)
			want := ""
			if tt.want != "" {
				want = stamp + tt.want + "\n"
				object(t, stderr.String())
			}
			if stderr.String() != want {
				t.Errorf("got  %swant %s", stderr, want)
			}
		})
	}
}

// TestJSONIsNotCut has messages that are longer than log_limit, and than a pipe takes at once.
func TestJSONIsNotCut(t *testing.T) {
	long := strings.Repeat("a", 70000)
	l, stderr, _ := testLog(toJSON)
	l.Log(Notice, long)
	if got := object(t, stderr.String())["message"]; got != long {
		t.Errorf("%d bytes", len(got.(string)))
	}
	stderr.Reset()
	l.Msg(Notice, "PHP message: ", long)
	if got := object(t, stderr.String())["message"]; got != long {
		t.Errorf("%d bytes of a message of PHP's", len(got.(string)))
	}
	stderr.Reset()
	st := l.StderrStream(Warning)
	st.SetAbout(About{Pool: "www", Pid: 9, Whole: true, Stream: "stderr"})
	for i := 0; i < len(long); i += 1000 {
		st.Write(long[i : i+1000])
	}
	if !st.Open() || stderr.Len() > 0 {
		t.Error("the line was written before its end")
	}
	st.Finish()
	if got := object(t, stderr.String()); got["message"] != long || got["stream"] != "stderr" || got["pid"] != 9. {
		t.Errorf("of a stream: %.300s", stderr)
	}
}

// TestJSONStreamForgesNothing has a script write what looks like lines and fields of the master's.
func TestJSONStreamForgesNothing(t *testing.T) {
	for _, said := range []string{`","level":"alert`, "[front] process 3 is gone", "[pool other] child 5 exited", "request 1: x", "\x1b[2J", "\xff\x00"} {
		l, stderr, _ := testLog(toJSON)
		st := l.StderrStream(Warning)
		st.SetAbout(About{Pool: "www", Pid: 9, Whole: true, Stream: "stdout"})
		st.Write(said)
		st.Finish()
		got := object(t, stderr.String())
		if got["level"] != "warning" || got["pool"] != "www" || got["pid"] != 9. || got["component"] != nil || got["request_id"] != nil || len(got) != 6 {
			t.Errorf("%q made %s", said, stderr)
		}
	}
}

// TestJSONStreamIsBounded has a script that never ends its line.
func TestJSONStreamIsBounded(t *testing.T) {
	l, stderr, _ := testLog(toJSON)
	st := l.StderrStream(Warning)
	st.SetAbout(About{Pool: "www", Pid: 9, Whole: true, Stream: "stdout"})
	for range 3 {
		st.Write(strings.Repeat("a", mostMessage/2))
	}
	st.Finish()
	lines := strings.SplitAfter(strings.TrimSuffix(stderr.String(), "\n"), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines", len(lines))
	}
	if first := object(t, lines[0]); first["continued"] != true || len(first["message"].(string)) != mostMessage {
		t.Error("the first line does not say that it is continued")
	}
	if last := object(t, lines[1]+"\n"); last["continued"] != nil || len(last["message"].(string)) != mostMessage/2 {
		t.Error("the last line is another")
	}
}

func TestJSONToSyslogAndUntilLaunched(t *testing.T) {
	var got []string
	l, stderr, _ := testLog(func(s *Settings) {
		s.JSON = true
		s.Syslog = func(level Level, line string) { got = append(got, line) }
	})
	l.Log(Error, "x")
	if len(got) != 1 || object(t, got[0]+"\n")["message"] != "x" || object(t, stderr.String())["message"] != "x" {
		t.Errorf("syslog got %q, stderr %q", got, stderr)
	}
}
