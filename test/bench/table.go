package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// A Row is one line of the result: medians, and the limit.
type Row struct {
	Name        string
	Stock, Ours float64
	Limit       Limit
}

// rows returns a row for each of the case's limits.
func (c Case) rows(stock, ours []Sample) []Row {
	var rows []Row
	for _, limit := range c.Limits {
		rows = append(rows, Row{c.Name, median(stock, limit.Of), median(ours, limit.Of), limit})
	}
	return rows
}

// Over reports whether phpsapi took more than it may, or reached less than it must.
func (r Row) Over() bool {
	switch {
	case r.Limit.Ratio != 0:
		return r.Ours > r.Stock*r.Limit.Ratio
	case r.Limit.Least != 0:
		return r.Ours < r.Stock*r.Limit.Least
	}
	return r.Ours > r.Stock+r.Limit.More
}

// Table lays the rows out as Markdown that reads well as text too.
func Table(rows []Row) string {
	lines := [][]string{{"", "", "stock", "phpsapi", "more", "ratio", "at most", ""}}
	for _, r := range rows {
		unit := r.Limit.Of.Unit()
		verdict := "ok"
		if r.Over() {
			verdict = "OVER"
		}
		lines = append(lines, []string{
			r.Name, r.Limit.Of.String(),
			fmt.Sprintf("%.2f %s", r.Stock, unit), fmt.Sprintf("%.2f %s", r.Ours, unit),
			fmt.Sprintf("%+.2f %s", r.Ours-r.Stock, unit), fmt.Sprintf("%.3f", r.Ours/r.Stock),
			r.Limit.String(), verdict,
		})
	}
	return markdown(lines)
}

// markdown lays lines out as a table, the first as its head.
func markdown(lines [][]string) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 1, ' ', 0)
	for i, line := range lines {
		fmt.Fprintln(w, "| "+strings.Join(line, "\t| ")+"\t|")
		if i == 0 {
			fmt.Fprintln(w, strings.Repeat("|---\t", len(line))+"|")
		}
	}
	w.Flush()
	return b.String()
}
