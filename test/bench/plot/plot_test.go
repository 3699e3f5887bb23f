package plot

import (
	"encoding/xml"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestAxisIsRound(t *testing.T) {
	for _, c := range []struct {
		values      []float64
		least, most float64
		ticks       []float64
	}{
		{[]float64{1, 500}, 1, 500, []float64{1, 2, 5, 10, 20, 50, 100, 200, 500}},
		{[]float64{10, 1000}, 10, 1000, []float64{10, 20, 50, 100, 200, 500, 1000}},
		{[]float64{0.013, 0.4}, 0.01, 0.5, []float64{0.01, 0.02, 0.05, 0.1, 0.2, 0.5}},
		{[]float64{3, 70_000}, 2, 100_000, []float64{10, 100, 1000, 10_000, 100_000}},
		{[]float64{0, 7}, 5, 10, []float64{5, 10}},
		{[]float64{5}, 5, 50, []float64{5, 10, 20, 50}},
		{nil, 1, 10, []float64{1, 2, 5, 10}},
	} {
		var line Line
		for _, v := range c.values {
			line.Points = append(line.Points, Point{X: v})
		}
		a := axisOf([]Line{line}, func(p Point) float64 { return p.X })
		near := func(x, y float64) bool { return math.Abs(x-y) <= 1e-9*y }
		if !near(a.least, c.least) || !near(a.most, c.most) || !slices.EqualFunc(a.ticks(), c.ticks, near) {
			t.Errorf("%v: from %v to %v, ticks %v; want %v to %v, %v", c.values, a.least, a.most, a.ticks(), c.least, c.most, c.ticks)
		}
	}
}

func TestAxisIsLogarithmic(t *testing.T) {
	a := axis{least: 1, most: 100, from: 0, to: 200}
	for _, c := range []struct{ value, at float64 }{{1, 0}, {10, 100}, {100, 200}, {0, 0}, {-3, 0}} {
		if got := a.at(c.value); math.Abs(got-c.at) > 1e-9 {
			t.Errorf("%v lies at %v, want %v", c.value, got, c.at)
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{1: "1", 0.05: "0.05", 0.1234: "0.123", 999: "999", 1000: "1,000", 50_000: "50,000", 1_234_567: "1,234,567"} {
		if got := number(v); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
}

// A picture is XML, with a mark for each point and every text that was given, in colours that are neither paper's.
func TestPictureIsAnSVG(t *testing.T) {
	text := string(Picture{Title: "a <title>", X: "the x & x", Y: "the y", Lines: []Line{
		{Name: "one", Points: []Point{{1, 2}, {10, 20}, {100, 0}}},
		{Name: "two", Dashed: true, Points: []Point{{1, 3}}},
	}}.SVG())
	marks := 0
	var words []string
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if token.Name.Local == "circle" {
				marks++
			}
			if token.Name.Local == "rect" {
				t.Error("the picture has a background, which is the paper's")
			}
		case xml.CharData:
			words = append(words, string(token))
		}
	}
	if marks != 4 {
		t.Errorf("%d marks, want 4", marks)
	}
	for _, want := range []string{"a <title>", "the x & x", "the y", "one", "two"} {
		if !slices.Contains(words, want) {
			t.Errorf("%q is not written", want)
		}
	}
	if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
		t.Errorf("a point has no place:\n%s", text)
	}
	if colour := strings.Count(text, `stroke="`+colours[0]+`"`); colour != 4 {
		t.Errorf("%d strokes in the first colour, want two of each line", colour)
	}
}
