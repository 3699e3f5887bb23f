package front

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// benchmark asks for a path again and again on one connection: what is measured is the front's side, net/http and the
// pool's together.
func benchmark(b *testing.B, path, page string) {
	o := orders(b, map[string]string{"index.php": "", "a.txt": "Hello, World!"}, func(w *worker) bool {
		return w.say("Content-Type: text/html\r\n\r\n%s", page)
	})
	f := start(b, o)
	c, err := net.Dial("tcp", f.addresses[0])
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	ask, r := []byte("GET "+path+" HTTP/1.1\r\nHost: example.org\r\nUser-Agent: bench\r\n\r\n"), bufio.NewReader(c)
	for b.Loop() {
		c.Write(ask)
		response, err := http.ReadResponse(r, nil)
		if err != nil || response.StatusCode != 200 {
			b.Fatal(response, err)
		}
		io.Copy(io.Discard, response.Body)
	}
	b.ReportAllocs()
}

func BenchmarkFile(b *testing.B)   { benchmark(b, "/a.txt", "") }
func BenchmarkScript(b *testing.B) { benchmark(b, "/index.php", "Hello, World!") }
func BenchmarkPage(b *testing.B)   { benchmark(b, "/index.php", strings.Repeat("x", 100<<10)) }
func BenchmarkLong(b *testing.B)   { benchmark(b, "/index.php", strings.Repeat("x", 10<<20)) }
