package profile

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

const lines = "f\t1\tmain\t/srv/a.php\nf\t2\tApp\\Cart::add\t/srv/cart.php\nf\t3\tsleep\t\nf\t4\t\t/srv/index.php\n" +
	"r\texample.org:8080\t/cart?x=1\t/srv/index.php\ns\t2\t3:0 2:7 4:3\ns\t1\t2:8 4:3\ns\t1\t\n" +
	"r\tother.org\t/about\t/srv/index.php\ns\t4\t1:5 0:0\nd\t3\ne\n"

// made is a profile of what a worker has said.
func made(f Filter) *Profile {
	p := &Profile{Filter: f, Began: time.Unix(1_700_000_000, 0), Length: 3 * time.Second, Rate: 100, Title: `PHP in pool <www> & "more"`}
	half := strings.Index(lines, "s\t2")
	p.Add(7, 1, "www", lines[:half])
	p.Add(8, 1, "www", "f\t1\tanother worker's\t/srv/b.php\n")
	p.Add(7, 1, "www", lines[half:])
	return p
}

func folded(t *testing.T, p *Profile) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.WriteFolded(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestFolded(t *testing.T) {
	const cart = "(no function of PHP's) 1\n/srv/index.php;App\\Cart::add 1\n/srv/index.php;App\\Cart::add;sleep 2\n"
	for _, c := range []struct {
		filter Filter
		want   string
	}{
		{Filter{}, "(further frames);main 4\n" + cart},
		{Filter{Site: "EXAMPLE.org"}, cart},
		{Filter{Site: "example.org:8080", URL: "/cart?x"}, cart},
		{Filter{URL: "/about"}, "(further frames);main 4\n"},
		{Filter{Site: "other.org", URL: "/cart"}, ""},
	} {
		if got := folded(t, made(c.filter)); got != c.want {
			t.Errorf("%+v: got %q, want %q", c.filter, got, c.want)
		}
	}
	if p := made(Filter{}); p.Total != 8 || p.Dropped != 3 {
		t.Errorf("%d samples, %d dropped", p.Total, p.Dropped)
	}
}

// A worker may say anything. A stack with a function that was never told is not a stack.
func TestNonsenseOfWorkers(t *testing.T) {
	p := &Profile{}
	p.Add(1, 1, "www", "f\t1\ta;b\x01\t/x\nr\th\t/\ts\ns\t1\t1:2 9:1\ns\t1\t1:-2\ns\t1\t1\ns\t-1\t1:1\ns\t99999999999\t1:1\ns\tx\t1:1\nd\t-5\n\n\t\nf\t0\tzero\t\nf\tx\ty\tz\ns\t1\t1:1\textra\nf\t2\n")
	p.Add(1, 1, "www", "s\t1\t"+strings.Repeat("1:1 ", maxFrames+1)+"\ns\t2\t1:1")
	if p.Total != 2 || p.Dropped != 4 {
		t.Errorf("%d samples, %d dropped", p.Total, p.Dropped)
	}
	if got := folded(t, p); got != "a:b. 2\n" {
		t.Errorf("got %q", got)
	}
}

// go's own tool reads the format.
func TestPprofIsRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "profile.pb.gz")
	var b bytes.Buffer
	if err := errors.Join(made(Filter{}).WritePprof(&b), os.WriteFile(file, b.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	run := func(arguments ...string) string {
		cmd := exec.Command("go", append(append([]string{"tool", "pprof"}, arguments...), file)...)
		cmd.Env = append(os.Environ(), "PPROF_TMPDIR="+t.TempDir())
		said, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", arguments, err, said)
		}
		return string(said)
	}
	top := run("-top", "-sample_index=samples")
	for _, want := range []string{`Type: samples`, `Duration: 3s, Total samples = 8`, `\n +4 50\.00% +50\.00% +4 50\.00%  main\n`, `\n +2 25\.00% .* 2 25\.00%  sleep\n`,
		`\n +1 12\.50% .* 3 37\.50%  App\\Cart::add\n`} {
		if !regexp.MustCompile(want).MatchString(top) {
			t.Errorf("pprof's table lacks %q:\n%s", want, top)
		}
	}
	if wall := run("-top", "-tagfocus=host=other.org"); !strings.Contains(wall, "Type: wall") || !strings.Contains(wall, "40ms") || strings.Contains(wall, "sleep") {
		t.Errorf("pprof's table of a site:\n%s", wall)
	}
	if raw := run("-raw"); !strings.Contains(raw, `App\Cart::add /srv/cart.php:7`) || !strings.Contains(raw, "path:[/cart] pool:[www]") && !strings.Contains(raw, "path:[/cart]") {
		t.Errorf("pprof reads:\n%s", raw)
	}
}

// The graph is well-formed whatever functions are called, and each box is above the one that has called it.
func TestFlameGraph(t *testing.T) {
	p := made(Filter{})
	p.Add(9, 1, "www", "f\t1\t<b>]]>&\"'\uFFFE\t/srv/<x>.php\nr\th\t/\ts\ns\t8\t1:1\n")
	var b bytes.Buffer
	if err := p.WriteFlame(&b); err != nil {
		t.Fatal(err)
	}
	type box struct{ x, width, y float64 }
	boxes, title, inTitle, depth := map[string]box{}, "", false, 0
	for d := xml.NewDecoder(&b); ; {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			depth++
			inTitle = e.Name.Local == "title"
			if e.Name.Local == "rect" && title != "" {
				var one box
				for _, a := range e.Attr {
					for name, to := range map[string]*float64{"x": &one.x, "y": &one.y, "width": &one.width} {
						if a.Name.Local == name {
							fmt.Sscan(a.Value, to)
						}
					}
				}
				name, _, _ := strings.Cut(title, "\n")
				boxes[name] = one
				title = ""
			}
		case xml.EndElement:
			depth--
			inTitle = false
		case xml.CharData:
			if inTitle && !strings.HasPrefix(string(e), "Show") && !strings.HasPrefix(string(e), "Search") {
				title = string(e)
			}
		}
	}
	index, add, asleep, all := boxes["/srv/index.php"], boxes[`App\Cart::add`], boxes["sleep"], boxes["all"]
	if depth != 0 || len(boxes) != 8 || boxes["<b>]]>&\"'."].width < 580 {
		t.Fatalf("got %v", boxes)
	}
	if all.width < 1170 || index.y != all.y-flameRow || add.y != index.y-flameRow || asleep.y != add.y-flameRow || asleep.x < add.x ||
		asleep.x+asleep.width > add.x+add.width || add.width > index.width {
		t.Errorf("boxes do not stand on each other: %v", boxes)
	}
}

func TestTextsFitTheirBoxes(t *testing.T) {
	for _, c := range []struct {
		width float64
		want  string
	}{{300, "Größe::messen"}, {60, "Größe:…"}, {20, ""}} {
		if got := fitting("Größe::messen", c.width); got != c.want {
			t.Errorf("%v: got %q, want %q", c.width, got, c.want)
		}
	}
}

// What a worker says takes no more memory than there is room for, and what others have said before stays.
func TestAProfileHasABound(t *testing.T) {
	p := Profile{Most: 1 << 20}
	p.Add(1, 1, "www", "f\t1\tmain\t/a.php\nr\tshop\t/\t/a.php\ns\t3\t1:1\n")
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range 2000 {
		var lines strings.Builder
		fmt.Fprintf(&lines, "f\t%d\tf%d\t%s\nr\tshop\t/\t/a.php\n", i+2, i, strings.Repeat("x", 4000))
		for j := range 20 {
			fmt.Fprintf(&lines, "s\t1\t%s\n", strings.Repeat(fmt.Sprintf("%d:%d ", i+2, j), 500))
		}
		p.Add(2, 1, "www", lines.String())
	}
	p.Add(1, 1, "www", "s\t4\t1:1\n")
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
		t.Errorf("it has grown by %d bytes", grown)
	}
	if p.Samples[0].Count != 7 || p.Dropped == 0 || p.Total+p.Dropped != 7+2000*20 {
		t.Errorf("got %d of the first stack, %d in all, %d dropped", p.Samples[0].Count, p.Total, p.Dropped)
	}
}

func TestTree(t *testing.T) {
	p := Profile{}
	p.Add(1, 1, "www", "f\t1\t\t/a.php\nf\t2\tShop\\Cart::sum\t/c.php\nf\t3\tusleep\t\nr\tshop\t/\t/a.php\ns\t6\t3:0 2:4 1:9\ns\t3\t2:5 1:9\ns\t1\t1:1\n")
	got, err := json.Marshal(p.Tree(0, 10))
	cart := fmt.Sprintf("%q", (&node{frame: Frame{Function: `Shop\Cart::sum`, File: "/c.php"}}).class(2))
	want := `{"name":"all","kind":"all","count":10,"calls":[{"name":"/a.php","kind":"file","count":10,"own":1,"calls":[` +
		`{"name":"Shop\\Cart::sum","file":"/c.php","kind":` + cart + `,"count":9,"own":3,"calls":[{"name":"usleep","kind":"c","count":6,"own":6}]}]}]}`
	if string(got) != want || err != nil {
		t.Errorf("got  %s %v\nwant %s", got, err, want)
	}
	if t1 := p.Tree(0.65, 10); len(t1.Calls[0].Calls[0].Calls) != 0 {
		t.Error("a function of 60 samples of a hundred is there, but shall not")
	}
	if t2 := p.Tree(0, 2); len(t2.Calls) != 1 || len(t2.Calls[0].Calls) != 0 {
		t.Error("there are more than two functions")
	}
}
