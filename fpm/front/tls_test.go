package front

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/test/certificate"
	"github.com/phpsapi/phpsapi/test/wait"
)

// certified makes a certificate for a name, with a serial number to tell it by.
func certified(t *testing.T, name string, serial int64) contract.Certificate {
	t.Helper()
	cert, key := certificate.New(t, serial, name)
	return contract.Certificate{Name: name + ".pem", Cert: []byte(cert), Key: []byte(key)}
}

// serial is the number of the certificate that a front shows for a name.
func serial(t *testing.T, address, name string) int64 {
	t.Helper()
	c, err := tls.Dial("tcp", address, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

func TestCertificatesAreChosenAndReplaced(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"a.txt": "a"}, nil)
	o.Listeners[0].TLS = true
	o.Certificates = []contract.Certificate{certified(t, "a.example", 1), certified(t, "*.b.example", 2)}
	f := start(t, o)
	check := func(want map[string]int64) {
		t.Helper()
		for name, want := range want {
			if got := serial(t, f.addresses[0], name); got != want {
				t.Errorf("%q: got certificate %d, want %d", name, got, want)
			}
		}
	}
	check(map[string]int64{"a.example": 1, "www.b.example": 2, "other.example": 1, "": 1})
	kept, err := tls.Dial("tcp", f.addresses[0], &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	encoded, err := json.Marshal([]contract.Certificate{certified(t, "a.example", 3)})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.certs.replace(bytes.NewReader(encoded)); err != nil {
		t.Fatal(err)
	}
	check(map[string]int64{"a.example": 3, "www.b.example": 3})
	for _, wrong := range []string{"", "[]", `[{"Name":"x.pem"}]`, "null"} {
		if err := f.certs.replace(strings.NewReader(wrong)); err == nil {
			t.Errorf("%q was taken", wrong)
		}
	}
	check(map[string]int64{"a.example": 3})
	kept.SetDeadline(time.Now().Add(patience))
	io.WriteString(kept, "GET /a.txt HTTP/1.0\r\n\r\n")
	if got, err := io.ReadAll(kept); err != nil || !strings.HasSuffix(string(got), "\r\n\r\na") {
		t.Errorf("the connection from before got %q, %v", got, err)
	}
}

func TestListenerWithoutCertificateIsRefused(t *testing.T) {
	t.Parallel()
	o := orders(t, nil, nil)
	o.Listeners[0].TLS = true
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := newFront(o, resources{listeners: []net.Listener{l}}); err == nil {
		t.Error("no error")
	}
}

// versions makes clients for both ways to HTTP/2 and the one to HTTP/1.1, of a front's listeners: plain, then TLS.
func versions(f *tested) map[string]*http.Client {
	protocols := func(set func(*http.Protocols, bool)) *http.Protocols {
		p := &http.Protocols{}
		set(p, true)
		return p
	}
	insecure := func() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }
	return map[string]*http.Client{
		"HTTP/2.0 http://" + f.addresses[0]:  {Transport: &http.Transport{Protocols: protocols((*http.Protocols).SetUnencryptedHTTP2)}},
		"HTTP/2.0 https://" + f.addresses[1]: {Transport: &http.Transport{Protocols: protocols((*http.Protocols).SetHTTP2), TLSClientConfig: insecure()}},
		"HTTP/1.1 https://" + f.addresses[1]: {Transport: &http.Transport{Protocols: protocols((*http.Protocols).SetHTTP1), TLSClientConfig: insecure()}},
		"HTTP/1.1 http://" + f.addresses[0]:  {Transport: &http.Transport{Protocols: protocols((*http.Protocols).SetHTTP1)}},
	}
}

func bothListeners(t *testing.T, o *contract.Front) *tested {
	o.Listeners = []contract.FrontListener{{}, {TLS: true}}
	o.Certificates = []contract.Certificate{certified(t, "a.example", 1)}
	return start(t, o)
}

func TestEveryVersionOfHTTP(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"index.php": "", "a.txt": letters}, echo)
	f := bothListeners(t, o)
	for name, client := range versions(f) {
		version, address, _ := strings.Cut(name, " ")
		file, err := client.Get(address + "/a.txt")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		body, _ := io.ReadAll(file.Body)
		if file.Proto != version || file.StatusCode != 200 || string(body) != letters {
			t.Errorf("%s: %s %d %.40q", name, file.Proto, file.StatusCode, body)
		}
		posted, err := client.Post(address+"/x", "text/plain", strings.NewReader(letters))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		body, _ = io.ReadAll(posted.Body)
		https := "HTTPS=\n"
		if strings.HasPrefix(address, "https") {
			https = "HTTPS=on\n"
		}
		if got := string(body); !strings.Contains(got, "BODY=2048\n") || !strings.Contains(got, https) || !strings.Contains(got, "SERVER_PROTOCOL="+version+"\n") {
			t.Errorf("%s: posted, got %s", name, got)
		}
		client.CloseIdleConnections()
	}
}

// On HTTP/2 a client's window, not its socket, is what a slow reader leaves full.
func TestStreamsThatAreNotReadAreReset(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"index.php": ""}, func(w *worker) bool {
		return w.say("Content-Type: text/plain\r\n\r\n%s", strings.Repeat("x", 32<<20))
	})
	hugeFile(t, o.Sites[0].Root+"/huge.txt", 32<<20)
	o.Limits.BodyTimeout = 2 * short
	f := bothListeners(t, o)
	for name, client := range versions(f) {
		version, address, _ := strings.Cut(name, " ")
		if version != "HTTP/2.0" {
			continue
		}
		for _, path := range []string{"/huge.txt", "/"} {
			response, err := client.Get(address + path)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			wait.Until(t, "the stream's end", func() bool { return f.active.Load() == 0 })
			if n, err := io.Copy(io.Discard, response.Body); err == nil {
				t.Errorf("%s%s: all %d bytes came", name, path, n)
			}
		}
		client.CloseIdleConnections()
	}
}

// Silence between two events is not a client's fault.
func TestQuietStreamsStayOpen(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"index.php": ""}, func(w *worker) bool {
		w.Response().Write([]byte("Content-Type: text/event-stream\r\n\r\ndata: 1\n\n"))
		w.Response().Flush()
		time.Sleep(4 * short)
		return w.say("data: 2\n\n")
	})
	o.Limits.BodyTimeout = short
	f := bothListeners(t, o)
	for name, client := range versions(f) {
		_, address, _ := strings.Cut(name, " ")
		response, err := client.Get(address + "/")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if body, err := io.ReadAll(response.Body); err != nil || string(body) != "data: 1\n\ndata: 2\n\n" {
			t.Errorf("%s: got %q, %v", name, body, err)
		}
		client.CloseIdleConnections()
	}
}
