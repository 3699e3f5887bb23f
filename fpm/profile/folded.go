package profile

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// WriteFolded writes a line for each stack: its functions, the first one that was called first, between semicolons, and how often it was seen. It is what
// tools for flame graphs read.
func (p *Profile) WriteFolded(w io.Writer) error {
	stacks := map[string]int{}
	for _, s := range p.Samples {
		var names []string
		for i := len(s.Frames) - 1; i >= 0; i-- {
			names = append(names, strings.Map(foldable, s.Frames[i].Name()))
		}
		stacks[strings.Join(names, ";")] += s.Count
	}
	out := bufio.NewWriter(w)
	for _, stack := range slices.Sorted(maps.Keys(stacks)) {
		fmt.Fprintf(out, "%s %d\n", stack, stacks[stack])
	}
	return out.Flush()
}

// foldable replaces what has a meaning in a line.
func foldable(r rune) rune {
	switch {
	case r == ';':
		return ':'
	case r < ' ' || r == 0x7f:
		return '.'
	}
	return r
}

// node is a function, called by those above it.
type node struct {
	frame    Frame
	count    int // samples in which it is, in this place
	own      int // those in which it is the newest
	children map[string]*node
}

// tree returns the stacks as a tree, whose root is all of them.
func (p *Profile) tree() *node {
	root := &node{frame: Frame{Function: "all"}, count: p.Total}
	for _, s := range p.Samples {
		at := root
		for i := len(s.Frames) - 1; i >= 0; i-- {
			f := &s.Frames[i]
			key := f.Function + "\t" + f.File
			if at.children == nil {
				at.children = map[string]*node{}
			}
			next := at.children[key]
			if next == nil {
				next = &node{frame: Frame{Function: f.Function, File: f.File}}
				at.children[key] = next
			}
			next.count += s.Count
			at = next
		}
		at.own += s.Count
	}
	return root
}

// sorted are the children by their names.
func (n *node) sorted() []*node {
	return slices.SortedFunc(maps.Values(n.children), func(a, b *node) int {
		return cmp.Or(cmp.Compare(a.frame.Name(), b.frame.Name()), cmp.Compare(a.frame.File, b.frame.File))
	})
}

// depth is how many functions are above each other.
func (n *node) depth() (d int) {
	for _, c := range n.children {
		d = max(d, c.depth())
	}
	return d + 1
}
