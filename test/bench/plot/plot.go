// Package plot draws how something grows, as SVG: lines over logarithmic axes, in colours that are read on light and on
// dark paper alike.
package plot

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"strconv"
)

// A Picture is some lines with their axes.
type Picture struct {
	Title, X, Y string
	Lines       []Line
}

// A Line is what was measured of one thing, by rising X.
type Line struct {
	Name   string
	Dashed bool // it is drawn beside the line before it, in the same colour
	Points []Point
}

// A Point is one measurement. A coordinate that is not positive has no place on the axis: it is drawn at the axis' least.
type Point struct{ X, Y float64 }

// The picture's size, and the room around the plot.
const (
	width, height            = 720, 420
	left, right, top, bottom = 76, 24, 44, 92
)

// colours are Okabe and Ito's, which the colour-blind tell apart.
var colours = [...]string{"#0072b2", "#d55e00", "#009e73", "#cc79a7"}

const ink = "#808080"

// SVG returns the picture as the text of a file.
func (p Picture) SVG() []byte {
	var b bytes.Buffer
	x, y := axisOf(p.Lines, func(q Point) float64 { return q.X }), axisOf(p.Lines, func(q Point) float64 { return q.Y })
	x.from, x.to = left, width-right
	y.from, y.to = height-bottom, top
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13" fill="%s">`+"\n", width, height, ink)
	text := func(at, to float64, anchor, s string) {
		fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`+"\n", at, to, anchor, html.EscapeString(s))
	}
	line := func(x1, y1, x2, y2, opacity float64) {
		fmt.Fprintf(&b, `<path d="M%.1f %.1fL%.1f %.1f" stroke="%s" stroke-opacity="%g"/>`+"\n", x1, y1, x2, y2, ink, opacity)
	}
	fmt.Fprintf(&b, `<text x="%d" y="24" font-size="16">%s</text>`+"\n", left, html.EscapeString(p.Title))
	for _, v := range x.ticks() {
		at := x.at(v)
		line(at, top, at, height-bottom, 0.25)
		text(at, height-bottom+18, "middle", number(v))
	}
	for _, v := range y.ticks() {
		at := y.at(v)
		line(left, at, width-right, at, 0.25)
		text(left-8, at+4, "end", number(v))
	}
	text((left+width-right)/2, height-bottom+38, "middle", p.X)
	fmt.Fprintf(&b, `<text transform="translate(18 %d) rotate(-90)" text-anchor="middle">%s</text>`+"\n", (top+height-bottom)/2, html.EscapeString(p.Y))
	p.draw(&b, x, y)
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// draw draws the lines, and below them which is which.
func (p Picture) draw(b *bytes.Buffer, x, y axis) {
	colour := -1
	for i, l := range p.Lines {
		if !l.Dashed {
			colour++
		}
		stroke := colours[max(colour, 0)%len(colours)]
		dash := ""
		if l.Dashed {
			dash = ` stroke-dasharray="6 4"`
		}
		var path, dots bytes.Buffer
		for j, q := range l.Points {
			path.WriteString(map[bool]string{true: "M", false: "L"}[j == 0])
			fmt.Fprintf(&path, "%.1f %.1f", x.at(q.X), y.at(q.Y))
			fmt.Fprintf(&dots, `<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"><title>%s: %s, %s</title></circle>`+"\n",
				x.at(q.X), y.at(q.Y), stroke, html.EscapeString(l.Name), number(q.X), number(q.Y))
		}
		fmt.Fprintf(b, `<path d="%s" fill="none" stroke="%s" stroke-width="2"%s/>`+"\n%s", path.String(), stroke, dash, dots.String())
		row, column := i/2, i%2
		at, to := float64(left+column*310), float64(height-34+row*20)
		fmt.Fprintf(b, `<path d="M%.1f %.1fh28" stroke="%s" stroke-width="2"%s/>`+"\n", at, to-4, stroke, dash)
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f">%s</text>`+"\n", at+36, to, html.EscapeString(l.Name))
	}
}

// axis is a logarithmic scale: the values from least to most, and where they lie in the picture.
type axis struct{ least, most, from, to float64 }

// axisOf returns an axis for the coordinates of all points. Its ends are round.
func axisOf(lines []Line, of func(Point) float64) axis {
	a := axis{least: math.Inf(1), most: math.Inf(-1)}
	for _, l := range lines {
		for _, q := range l.Points {
			if v := of(q); v > 0 {
				a.least, a.most = min(a.least, v), max(a.most, v)
			}
		}
	}
	if a.least > a.most { // nothing has a place
		a.least, a.most = 1, 10
	}
	a.least, a.most = floor(a.least), -floor(-a.most)
	if a.least == a.most {
		a.most *= 10
	}
	return a
}

// steps are the round numbers of a power of ten.
var steps = [...]float64{1, 2, 5}

// floor returns the greatest round number that is not greater than v, and of a negative number the negated least one that
// is not less than -v.
func floor(v float64) float64 {
	size := math.Abs(v)
	power := math.Pow(10, math.Floor(math.Log10(size)+1e-9))
	const slack = 1e-9
	if v > 0 {
		best := power
		for _, s := range steps {
			if s*power <= size*(1+slack) {
				best = s * power
			}
		}
		return best
	}
	for _, s := range steps {
		if s*power >= size*(1-slack) {
			return -s * power
		}
	}
	return -10 * power
}

// at is where a value lies.
func (a axis) at(v float64) float64 {
	v = max(v, a.least)
	return a.from + (a.to-a.from)*math.Log(v/a.least)/math.Log(a.most/a.least)
}

// ticks are the values that the axis names: powers of ten, and round numbers between them if those are few.
func (a axis) ticks() (ticks []float64) {
	few := a.most/a.least <= 1000
	for power := math.Pow(10, math.Floor(math.Log10(a.least)+1e-9)); power <= a.most*1.001; power *= 10 {
		for _, s := range steps {
			if v := s * power; (s == 1 || few) && v >= a.least*0.999 && v <= a.most*1.001 {
				ticks = append(ticks, v)
			}
		}
	}
	return ticks
}

// number is a value as people read it: three digits that count, and commas between thousands.
func number(v float64) string {
	if v < 1000 {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	digits := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
