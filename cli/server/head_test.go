package server

import (
	"bufio"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/phpsapi/phpsapi/sapi"
)

func readBoth(text string) (*head, *body, error) {
	r := bufio.NewReader(iotest.OneByteReader(strings.NewReader(text)))
	h, err := readHead(r)
	if err != nil {
		return nil, nil, err
	}
	b, err := readBody(r, h)
	return h, b, err
}

func TestReadHead(t *testing.T) {
	q := func(text string) *string { return &text }
	for text, want := range map[string]head{
		"GET / HTTP/1.1\r\n\r\n":                    {method: "GET", uri: "/", path: "/", protocol: 101},
		"\r\n\nGET / HTTP/1.0\n\n":                  {method: "GET", uri: "/", path: "/", protocol: 100},
		"GET  /a?b  HTTP/1.1\r\n\r\n":               {method: "GET", uri: "/a?b", path: "/a", query: q("b"), protocol: 101},
		"GET /a?#f HTTP/1.1\r\n\r\n":                {method: "GET", uri: "/a?#f", path: "/a", protocol: 101},
		"GET /a#f?g HTTP/1.1\r\n\r\n":               {method: "GET", uri: "/a#f?g", path: "/a", protocol: 101},
		"GET /a???b?c HTTP/1.1\r\n\r\n":             {method: "GET", uri: "/a???b?c", path: "/a", query: q("b?c"), protocol: 101},
		"GET http://h:1/p HTTP/1.1\r\n\r\n":         {method: "GET", uri: "http://h:1/p", path: "/p", protocol: 101},
		"GET http://h HTTP/1.1\r\n\r\n":             {method: "GET", uri: "http://h", protocol: 101},
		"OPTIONS * HTTP/1.1\r\n\r\n":                {method: "OPTIONS", uri: "*", path: "*", protocol: 101},
		"BREW / HTTP/1.1\r\n\r\n":                   {method: notImplemented, uri: "/", path: "/", protocol: 101},
		"GETX / HTTP/1.1\r\n\r\n":                   {method: notImplemented, uri: "/", path: "/", protocol: 101},
		"GET /\r\n\r\n":                             {method: "GET", uri: "/", path: "/", protocol: 9},
		"GET / HTTP/12.34\r\n\r\n":                  {method: "GET", uri: "/", path: "/", protocol: 1234},
		"GET / HTTP/1.1\r\nA: b\r\n\r\n":            {method: "GET", uri: "/", path: "/", protocol: 101, fields: []field{{"A", "b"}}},
		"GET / HTTP/1.1\r\nA\r\nB: c\r\n\r\n":       {method: "GET", uri: "/", path: "/", protocol: 101, fields: []field{{"AB", "c"}}},
		"GET / HTTP/1.1\r\nA:\r\nB\r\n\r\n":         {method: "GET", uri: "/", path: "/", protocol: 101, fields: []field{{"A", ""}, {"B", ""}}},
		"POST / HTTP/1.1\nContent-Length : 2\n\nab": {method: "POST", uri: "/", path: "/", protocol: 101, fields: []field{{"Content-Length ", "2"}}, length: 2},
	} {
		got, _, err := readBoth(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if !reflect.DeepEqual(*got, want) {
			t.Errorf("%q:\ngot  %+v\nwant %+v", text, *got, want)
		}
	}
}

func TestNoRequest(t *testing.T) {
	for text, want := range map[string]error{
		"":                                errNothing,
		"\r\n":                            errNothing,
		"\x16\x03":                        errTLS,
		"\x80":                            errTLS,
		"get / HTTP/1.1\r\n\r\n":          errMalformed,
		"GET":                             errUnfinished,
		"G\x00T / HTTP/1.1\r\n\r\n":       errMalformed,
		"GET \r\n\r\n":                    errMalformed,
		"GET ?x HTTP/1.1\r\n\r\n":         errMalformed,
		"GET /\x7f HTTP/1.1\r\n\r\n":      errMalformed,
		"GET h HTTP/1.1\r\n\r\n":          errMalformed,
		"GET h: HTTP/1.1\r\n\r\n":         errMalformed,
		"GET http://h?x HTTP/1.1\r\n\r\n": errMalformed,
		"GET / FTP/1.1\r\n\r\n":           errMalformed,
		"GET / HTTP/0.9\r\n\r\n":          errMalformed,
		"GET / HTTP/1.1000\r\n\r\n":       errMalformed,
		"GET / HTTP/1.1\rX":               errMalformed,
		"GET / HTTP/1.1\r\n(: x\r\n\r\n":  errMalformed,
		"GET / HTTP/1.1\r\nA: b":          errUnfinished,
		"GET /" + strings.Repeat("x", maxPath) + " HTTP/1.1\r\n\r\n":                                  errMalformed,
		"GET / HTTP/1.1\r\nA: " + strings.Repeat("x", maxHead) + "\r\n\r\n":                           errMalformed,
		"GET / HTTP/1.1\r\nContent-Length: 1x\r\n\r\n":                                                errMalformed,
		"GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n":                              errMalformed,
		"GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab":                                               errUnfinished,
		"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab":                                 errUnfinished,
		"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\r\n":                                    errMalformed,
		"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffffffff\r\n":               errMalformed,
		"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: " + strings.Repeat("x", maxHead): errMalformed,
	} {
		if _, _, err := readBoth(text); !errors.Is(err, want) {
			t.Errorf("%.60q: got %v, want %v", text, err, want)
		}
	}
}

func TestReadBody(t *testing.T) {
	large := strings.Repeat("0123456789", maxBodyInMemory/5)
	for text, want := range map[string]string{
		"Content-Length: 0\r\n\r\nabc": "",
		"Content-Length: 2\r\n\r\nabc": "ab",
		"Transfer-Encoding: Chunked\r\n\r\n1\r\na\r\nA;x=y\r\n0123456789\r\n0\r\nT: x\r\n\r\nrest": "a0123456789",
		"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n3\r\nabc\r\n0\r\n\r\n":             "abc",
		"Content-Length: 131070\r\n\r\n" + large:                                                   large[:131070],
	} {
		_, b, err := readBoth("POST / HTTP/1.1\r\n" + text)
		if err != nil {
			t.Errorf("%.60q: %v", text, err)
			continue
		}
		got := string(b.memory)
		if b.file != nil {
			all, err := io.ReadAll(b.file)
			if err != nil {
				t.Fatal(err)
			}
			got = string(all)
		}
		if got != want || b.length != int64(len(want)) {
			t.Errorf("%.60q: got %d bytes, length %d, want %d", text, len(got), b.length, len(want))
		}
		b.close()
	}
}

func TestVariables(t *testing.T) {
	h := head{fields: []field{{"X-A", "1"}, {"Other", "o"}, {"x-a", "2"}, {"Set-Cookie", "a"}, {"Set-Cookie", "b"}}}
	lower, sent := h.variables()
	wantLower := []sapi.Variable{{Name: "x-a", Value: "1, 2"}, {Name: "other", Value: "o"}, {Name: "set-cookie", Value: "b"}}
	wantSent := []sapi.Variable{{Name: "X-A", Value: "1"}, {Name: "Other", Value: "o"}, {Name: "x-a", Value: "1, 2"}, {Name: "Set-Cookie", Value: "b"}}
	if !reflect.DeepEqual(lower, wantLower) || !reflect.DeepEqual(sent, wantSent) {
		t.Errorf("got %v and %v", lower, sent)
	}
}

func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "POST /a?b#c HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "GET http://h:1/ HTTP/1.1\n\n",
		"PUT * HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;a\r\nabc\r\n0\r\nA: b\r\n\r\n", "GET /%2e%2e//a/./../b%00 HTTP/1.0\r\nA\r\nB:\r\n\r\n", "\x16\x03", "GET /\r\n\r\n",
	} {
		f.Add(seed)
	}
	root := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		h, b, err := readBoth(text)
		if err != nil {
			return
		}
		defer b.close()
		at := locate(php84, root, normalize(h.path))
		if at.file != "" {
			t.Errorf("found %q in an empty directory", at.file)
		}
		lower, sent := h.variables()
		(&Server{php: php84}).errorResponse(h, lower, 404)
		task := Task{Client: "c", Method: h.method, URI: h.uri, Query: h.query, Protocol: h.protocol, VPath: at.vpath,
			PathInfo: at.pathInfo, Headers: lower, Sent: sent, Body: b.memory, Length: b.length}
		got, err := ReadTask(strings.NewReader(string(task.Encode())))
		if err != nil || got.URI != task.URI || !reflect.DeepEqual(got.Headers, lower) || string(got.Body) != string(b.memory) {
			t.Errorf("a task did not survive: %v", err)
		}
	})
}
