package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func samples(values ...float64) []Sample {
	var list []Sample
	for _, v := range values {
		list = append(list, Sample{CPU: v, Memory: v / 2})
	}
	return list
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0},
		{[]float64{3}, 3},
		{[]float64{4, 1}, 2.5},
		{[]float64{9, 1, 2}, 2},
		{[]float64{100, 1, 2, 4}, 3},
	} {
		if got := median(samples(c.values...), CPU); got != c.want {
			t.Errorf("%v: got %v, want %v", c.values, got, c.want)
		}
	}
	if got := median(samples(2, 4, 6), Memory); got != 2 {
		t.Errorf("memory: got %v, want 2", got)
	}
}

func TestOver(t *testing.T) {
	for _, c := range []struct {
		stock, ours float64
		limit       Limit
		want        bool
	}{
		{10, 11.5, Limit{Of: CPU, Ratio: 1.15}, false},
		{10, 11.6, Limit{Of: CPU, Ratio: 1.15}, true},
		{10, 16, Limit{Of: Memory, More: 6}, false},
		{10, 16.1, Limit{Of: Memory, More: 6}, true},
		{10, 9, Limit{Of: Memory, More: 6}, false},
		{10, 15, Limit{Of: Rate, Least: 1.5}, false},
		{10, 14.9, Limit{Of: Rate, Least: 1.5}, true},
	} {
		if got := (Row{"", c.stock, c.ours, c.limit}).Over(); got != c.want {
			t.Errorf("%+v: got %v", c, got)
		}
	}
}

func TestTable(t *testing.T) {
	c := Case{Name: "php -r ''", Limits: []Limit{{Of: CPU, Ratio: 1.15}, {Of: Memory, More: 6}}}
	got := Table(c.rows(samples(10, 10, 12), samples(12, 12.5, 13)))
	want := `|           |        | stock    | phpsapi  | more     | ratio | at most |      |
|---        |---     |---       |---       |---       |---    |---      |---   |
| php -r '' | CPU    | 10.00 ms | 12.50 ms | +2.50 ms | 1.250 | 1.15    | OVER |
| php -r '' | memory | 5.00 MB  | 6.25 MB  | +1.25 MB | 1.250 | +6.0 MB | ok   |
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestChoose(t *testing.T) {
	if all, err := choose(nil); err != nil || len(all) != len(suites) {
		t.Errorf("none named: %v, %v", all, err)
	}
	if one, err := choose([]string{"cli"}); err != nil || len(one) != 1 || one[0].Name != "cli" {
		t.Errorf("cli: %v, %v", one, err)
	}
	if _, err := choose([]string{"nope"}); err == nil {
		t.Error("nope: no error")
	}
}

func TestMeasureRunsBothInTurn(t *testing.T) {
	log := t.TempDir() + "/log"
	c := Case{Stock: []string{"sh", "-c", "echo s >> " + log}, Ours: []string{"sh", "-c", "echo o >> " + log}}
	stock, ours, err := c.measure(4)
	if err != nil || len(stock) != 4 || len(ours) != 4 {
		t.Fatalf("%d, %d samples, %v", len(stock), len(ours), err)
	}
	if stock[0][Memory] <= 0 {
		t.Errorf("no memory measured: %v", stock[0])
	}
	c.Ours = []string{"sh", "-c", "echo why >&2; exit 3"}
	if _, _, err := c.measure(1); err == nil || !strings.Contains(err.Error(), "why") {
		t.Errorf("a program that fails: %v", err)
	}
}

func TestParseWrk(t *testing.T) {
	const report = `Running 3s test @ http://127.0.0.1:8080/hello.php
  2 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   642.13us    1.28ms  21.02ms   96.19%
    Req/Sec    15.60k     1.29k   18.53k    66.67%
  Latency Distribution
     50%  446.00us
     75%  637.00us
     90%    0.92ms
     99%    1.02s 
  93124 requests in 3.00s, 15.10MB read
Requests/sec:  31025.83
Transfer/sec:      5.03MB
`
	want := visits{93124, 31025.83, 446 * time.Microsecond, 1020 * time.Millisecond}
	if got, err := parseWrk(report); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for _, line := range []string{"  Non-2xx or 3xx responses: 4\n", "  Socket errors: connect 0, read 1, write 0, timeout 0\n"} {
		if _, err := parseWrk(strings.Replace(report, "Requests/sec", line+"Requests/sec", 1)); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(line)) {
			t.Errorf("%q: %v", line, err)
		}
	}
	if _, err := parseWrk("unable to connect"); err == nil {
		t.Error("no report: no error")
	}
}

func TestFigureLine(t *testing.T) {
	got := figureLine("a page", "a stack", []Sample{
		{RequestCPU: 50, DoorCPU: 20, Rate: 1000, P50: 1, P99: 3},
		{RequestCPU: 70, DoorCPU: 30, Rate: 3000, P50: 2, P99: 9},
		{RequestCPU: 40, DoorCPU: 40, Rate: 2000, P50: 3, P99: 4},
	})
	want := []string{"a page", "a stack", "50.0 (40.0–70.0)", "30.0", "2000", "2.00", "4.00"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestComparedFigures(t *testing.T) {
	if got, want := compared("%.1f", 27, 7.02), []string{"27.0", "7.0", "0.26"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := compared("%.1f", 27, 0), []string{"", "", ""}; !slices.Equal(got, want) { // not counted
		t.Errorf("got %q, want %q", got, want)
	}
}

// Costs are compared round by round.
func TestCostLine(t *testing.T) {
	got := strings.Join(costLine("metrics", []float64{100, 200, 100}, []float64{101, 210, 99}, 1.02, []float64{100, 100, 100}, []float64{103, 104, 99}, 1.01), "|")
	want := "metrics|100.00|101.00|+1.00 (-1.00–+10.00)|1.0100 (0.9900–1.0500)|1.02|ok|100.00|103.00|1.0300 (0.9900–1.0400)|1.01|OVER"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if n := len(costHead("")); n != strings.Count(want, "|")+1 {
		t.Errorf("the head has %d columns", n)
	}
}
