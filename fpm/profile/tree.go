package profile

// Tree is a function in a place of the stacks, with those that it has called there. Its JSON is what the dashboard draws.
type Tree struct {
	Name  string  `json:"name"`
	File  string  `json:"file,omitempty"` // where the function is; empty: it is a function of C's, or Name is the file
	Kind  string  `json:"kind"`           // how it is coloured: all, file, c, or p0 to p5
	Count int     `json:"count"`          // samples in which it is, in this place
	Own   int     `json:"own,omitempty"`  // those in which it is the newest
	Calls []*Tree `json:"calls,omitempty"`
}

// Tree returns the stacks as a tree, whose root is all of them. It leaves out what has less than a share of the samples, and of the rest has
// most functions, those that are called first.
func (p *Profile) Tree(share float64, most int) *Tree {
	root := p.tree()
	least := int(share * float64(root.count))
	type pair struct {
		of  *node
		is  *Tree
		row int
	}
	make := func(n *node, row int) pair {
		t := &Tree{Name: n.frame.Name(), Kind: n.class(row), Count: n.count, Own: n.own}
		if n.frame.Function != "" {
			t.File = n.frame.File
		}
		return pair{n, t, row}
	}
	all := []pair{make(root, 0)}
	for i := 0; i < len(all); i++ {
		one := all[i]
		for _, c := range one.of.sorted() {
			if c.count > least && len(all) < most {
				next := make(c, one.row+1)
				one.is.Calls = append(one.is.Calls, next.is)
				all = append(all, next)
			}
		}
	}
	return all[0].is
}
