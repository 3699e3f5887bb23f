package main

import (
	"bufio"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
)

func TestCrossing(t *testing.T) {
	ms := time.Millisecond
	for _, c := range []struct {
		points []point
		want   string
	}{
		{[]point{{ms, 3000}, {2 * ms, 1000}, {4 * ms, -1000}, {9 * ms, -2000}}, "from a boot of 3.00 ms on."},
		{[]point{{ms, 0}}, "from a boot of less than 1.00 ms on."},
		{[]point{{ms, 20}, {2 * ms, 10}}, "with none of these applications."},
	} {
		if got := crossing(c.points); !strings.HasSuffix(got, c.want) {
			t.Errorf("%v: %s", c.points, got)
		}
	}
}

func TestPairsAreOfTheSameRound(t *testing.T) {
	got := pairs(samples(1, 6, 2), samples(10, 20, 40), CPU)
	if want := []float64{0.05, 0.1, 0.3}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	line := ratioLine("a", "b", "c", got, 0.09)
	if want := []string{"a", "b", "c", "0.1000 (0.0500–0.3000)", "0.09", "OVER"}; !slices.Equal(line, want) {
		t.Errorf("got %q, want %q", line, want)
	}
}

// The application has all classes that its services name, and answers without worker mode.
func TestApplicationBoots(t *testing.T) {
	dir := t.TempDir()
	if err := ofClasses(50).write(dir); err != nil {
		t.Fatal(err)
	}
	said, err := exec.Command(serve.Stock().CLI, "-d", "display_errors=stderr", "-r", `
		$_SERVER = ['REQUEST_METHOD' => 'GET', 'REQUEST_URI' => '`+item+`'] + $_SERVER;
		require '`+dir+`/public/index.php';
		$classes = array_filter(get_declared_classes(), fn($name) => str_contains($name, 'Service0'));
		fwrite(STDERR, count($classes) . " services");`).CombinedOutput()
	if err != nil || !strings.Contains(string(said), itemEnd) || !strings.HasSuffix(string(said), "50 services") {
		t.Errorf("%v\n%s", err, said)
	}
}

// A crowd makes as many requests as it should, at the pace that it should, and notices an answer that is not the page.
func TestCrowd(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for in := bufio.NewReader(conn); ; {
					line, err := in.ReadString('\n')
					if err != nil {
						return
					}
					if line == "\r\n" {
						conn.Write([]byte("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\npage\n"))
					}
				}
			}()
		}
	}()
	c := asCrowd("page\n", 4, func() *visitor { return httpVisitor(listener.Addr().String(), "/") })
	defer c.close()
	if v, err := c.ask(10); err != nil || v.requests != 10 {
		t.Errorf("asked 10 times: %+v, %v", v, err)
	}
	if v, err := c.pace(100, time.Second/5); err != nil || v.requests != 20 {
		t.Errorf("a fifth of a second at 100 requests a second: %+v, %v", v, err)
	}
	c.end = []byte("another page\n")
	if _, err := c.ask(1); err == nil || !strings.Contains(err.Error(), "page") {
		t.Errorf("another page: %v", err)
	}
}
