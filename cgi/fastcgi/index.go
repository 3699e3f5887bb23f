package fastcgi

import "hash/maphash"

// index finds params by their names. Of a few, as an ordinary request has them, each place is in a list of those whose names look
// alike. The names are the client's, who may make all look alike: many are found by a seeded hash, for which nobody can choose them.
type index struct {
	newest [looks]uint8 // place+1 of the newest of those that look so
	older  [few]uint8   // place+1 of the next older one that looks alike, by place
	isMany bool
	many   hashed
}

const (
	few   = 64
	looks = 128
)

// look is one of looks, by a name's ends and its length.
func look(name string) uint32 {
	n := len(name)
	if n < 4 {
		h := uint32(n)
		for i := range n {
			h = h*31 + uint32(name[i])
		}
		return h % looks
	}
	head, tail := name[:4], name[n-4:]
	a := uint32(head[0]) | uint32(head[1])<<8 | uint32(head[2])<<16 | uint32(head[3])<<24
	b := uint32(tail[0]) | uint32(tail[1])<<8 | uint32(tail[2])<<16 | uint32(tail[3])<<24
	return (a*0x9e3779b1 + b*0x85ebca77 + uint32(n)*0xc2b2ae3d) >> (32 - 7)
}

func (x *index) reset() {
	x.newest = [looks]uint8{}
	if x.isMany {
		x.isMany = false
		x.many.reset()
	}
}

// add enters the param at the next place, i, unless there is one of its name: then it returns the place of that.
func (x *index) add(p *Params, i int, name string) (known int) {
	if x.isMany || i == few {
		return x.addToMany(p, name)
	}
	newest := &x.newest[look(name)]
	for at := *newest; at != 0; at = x.older[(at-1)%few] {
		if p.name(int(at-1)) == name {
			return int(at - 1)
		}
	}
	x.older[i%few] = *newest
	*newest = uint8(i + 1)
	return -1
}

func (x *index) addToMany(p *Params, name string) (known int) {
	if !x.isMany {
		x.isMany = true
		for i := range p.pairs {
			x.many.add(x.many.hash(p.name(i)))
		}
	}
	if i := x.find(p, name); i >= 0 {
		return i
	}
	x.many.add(x.many.hash(name))
	return -1
}

// rebuild enters all params again.
func (x *index) rebuild(p *Params) {
	x.reset()
	for i := range p.pairs {
		x.add(p, i, p.name(i))
	}
}

// find returns the place of the param of a name, or -1.
func (x *index) find(p *Params, name string) int {
	if x.isMany {
		hash := x.many.hash(name)
		for i := x.many.first(hash); i >= 0; i = x.many.next(i, hash) {
			if p.name(i) == name {
				return i
			}
		}
		return -1
	}
	for i := x.newest[look(name)]; i != 0; i = x.older[(i-1)%few] {
		if p.name(int(i-1)) == name {
			return int(i - 1)
		}
	}
	return -1
}

// hashed is an index of many params.
type hashed struct {
	seed    maphash.Seed
	hasSeed bool
	heads   []uint32 // place+1 of the newest entry of each bucket; length a power of two
	entries []entry  // one per param, in their order
}

type entry struct {
	hash uint64
	prev uint32 // place+1 of the next older entry of the bucket
}

func (x *hashed) hash(name string) uint64 {
	if !x.hasSeed {
		x.seed, x.hasSeed = maphash.MakeSeed(), true
	}
	return maphash.String(x.seed, name)
}

func (x *hashed) reset() {
	clear(x.heads)
	x.entries = x.entries[:0]
}

func (x *hashed) head(hash uint64) *uint32 { return &x.heads[hash&uint64(len(x.heads)-1)] }

// first is the place of the newest entry with this hash, or -1.
func (x *hashed) first(hash uint64) int { return x.match(*x.head(hash), hash) }

// next is the place of the next older one after place i, or -1.
func (x *hashed) next(i int, hash uint64) int { return x.match(x.entries[i].prev, hash) }

func (x *hashed) match(at uint32, hash uint64) int {
	for at != 0 {
		e := &x.entries[at-1]
		if e.hash == hash {
			return int(at - 1)
		}
		at = e.prev
	}
	return -1
}

// add enters a param at the next place.
func (x *hashed) add(hash uint64) {
	x.entries = append(x.entries, entry{hash: hash})
	if len(x.entries) > len(x.heads) {
		x.heads = make([]uint32, max(2*few, 2*len(x.heads)))
		for i := range x.entries {
			x.link(i)
		}
		return
	}
	x.link(len(x.entries) - 1)
}

func (x *hashed) link(i int) {
	e := &x.entries[i]
	h := x.head(e.hash)
	e.prev = *h
	*h = uint32(i + 1)
}
