package profile

import (
	"bufio"
	_ "embed" // the style and the script
	"fmt"
	"hash/fnv"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

//go:embed flame.css
var flameStyle string

//go:embed flame.js
var flameScript string

// Measures of a flame graph, in pixels at its natural size.
const (
	flameWidth  = 1200
	flameMargin = 10
	flameHead   = 56 // above the frames
	flameFoot   = 28 // below
	flameRow    = 18
	flameLetter = 7.2 // the width of a letter, as wide as most
	leastWidth  = 0.2 // of a frame that is drawn
)

// WriteFlame writes a flame graph: an SVG document that needs nothing else. A box is a function, as wide as it was seen often; the one below has called it. A
// click, or the Enter key, makes a box as wide as the graph, and functions can be searched for. Without its script it is a picture.
func (p *Profile) WriteFlame(w io.Writer) error {
	root := p.tree()
	rows := root.depth()
	height := flameHead + rows*flameRow + flameFoot
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]d %[2]d" width="%[1]d" height="%[2]d" role="img" aria-label="%[3]s">
<style>%[4]s</style>
<rect id="ground" width="100%%" height="100%%"/>
<text id="title" x="%[5]d" y="24">%[3]s</text>
<text id="about" x="%[5]d" y="44">%[6]s</text>
<g class="button" id="reset" tabindex="0" role="button"><title>Show all again (Esc)</title><text x="%[7]d" y="24">All</text></g>
<g class="button" id="search" tabindex="0" role="button"><title>Search for a function (/ or Ctrl+F)</title><text x="%[8]d" y="24">Search</text></g>
<text id="found" x="%[9]d" y="44" text-anchor="end"></text>
<text id="told" x="%[5]d" y="%[10]d">&#160;</text>
<g id="frames">
`, flameWidth, height, escaped(p.Title), flameStyle, flameMargin, escaped(p.about()), flameWidth-120, flameWidth-70, flameWidth-flameMargin, height-10)
	d := drawing{out: out, total: max(root.count, 1), height: height}
	d.draw(root, 0, 0)
	fmt.Fprintf(out, "</g>\n<script><![CDATA[\n%s]]></script>\n</svg>\n", flameScript)
	return out.Flush()
}

// about is what a profile is of.
func (p *Profile) about() string {
	text := fmt.Sprintf("%s in %v from %s, %d a second of each worker", samples(p.Total), p.Length.Round(time.Second), p.Began.Format("2006-01-02 15:04:05"), p.Rate)
	if p.Dropped > 0 {
		text += fmt.Sprintf("; %d more were dropped, as their stack was not known for certain", p.Dropped)
	}
	return text
}

// samples returns how many samples there are, in words.
func samples(n int) string {
	if n == 1 {
		return "1 sample"
	}
	return fmt.Sprintf("%d samples", n)
}

type drawing struct {
	out    *bufio.Writer
	total  int
	height int
}

// draw draws a function, and above it those that it has called. before is how many samples stand left of it.
func (d *drawing) draw(n *node, before, row int) {
	const whole = flameWidth - 2*flameMargin
	width := float64(n.count) / float64(d.total) * whole
	if width < leastWidth {
		return
	}
	x := flameMargin + float64(before)/float64(d.total)*whole
	y := d.height - flameFoot - (row+1)*flameRow
	name := n.frame.Name()
	share := 100 * float64(n.count) / float64(d.total)
	title := fmt.Sprintf("%s\n%s, %.2f %%; itself %d, %.2f %%", name, samples(n.count), share, n.own, 100*float64(n.own)/float64(d.total))
	if n.frame.File != "" && n.frame.Function != "" {
		title += "\n" + n.frame.File
	}
	fmt.Fprintf(d.out, `<g class="%s" tabindex="0" data-x="%d" data-n="%d" data-r="%d"><title>%s</title><rect x="%.1f" y="%d" width="%.1f" height="%d" rx="2"/><text x="%.1f" y="%d">%s</text></g>`+"\n",
		n.class(row), before, n.count, row, escaped(title), x, y, max(width-0.5, 0.2), flameRow-1, x+3, y+13, escaped(fitting(name, width)))
	for _, c := range n.sorted() {
		d.draw(c, before, row+1)
		before += c.count
	}
}

// fitting is as much of a name as a box has room for.
func fitting(name string, width float64) string {
	letters := int((width - 6) / flameLetter)
	switch {
	case letters < 3:
		return ""
	case utf8.RuneCountInString(name) <= letters:
		return name
	}
	return string([]rune(name)[:letters-1]) + "…"
}

// class is what a box looks like: functions of C, the code of files, and functions of PHP by their names up to the last part.
func (n *node) class(row int) string {
	switch {
	case row == 0:
		return "all"
	case n.frame.Function == "":
		return "file"
	case n.frame.File == "":
		return "c"
	}
	family := n.frame.Function
	if i := strings.LastIndexAny(family, `\:`); i > 0 {
		family = family[:i]
	} else {
		family = n.frame.File
	}
	h := fnv.New32a()
	h.Write([]byte(family))
	return fmt.Sprintf("p%d", h.Sum32()%6)
}

// escaped is a text as XML has it.
func escaped(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r == 0x7f || r == 0xfffe || r == 0xffff {
			return '.'
		}
		return r
	}, text))
}
