package fastcgi

import "hash/maphash"

// index finds params by the hash of their names. The hash is seeded, for the
// names are the client's: nobody can choose them to collide.
type index struct {
	seed    maphash.Seed
	hasSeed bool
	heads   []uint32 // place+1 of the newest entry of each bucket; length a power of two
	entries []entry  // one per param, in their order
}

type entry struct {
	hash uint64
	prev uint32 // place+1 of the next older entry of the bucket
}

// minHeads serves the params of an ordinary request without growing.
const minHeads = 128

func (x *index) seeded() maphash.Seed {
	if !x.hasSeed {
		x.seed, x.hasSeed = maphash.MakeSeed(), true
	}
	return x.seed
}

func (x *index) reset() {
	clear(x.heads)
	x.entries = x.entries[:0]
}

func (x *index) head(hash uint64) *uint32 { return &x.heads[hash&uint64(len(x.heads)-1)] }

// first is the place of the newest entry with this hash, or -1.
func (x *index) first(hash uint64) int {
	if len(x.heads) == 0 {
		return -1
	}
	return x.match(*x.head(hash), hash)
}

// next is the place of the next older one after place i, or -1.
func (x *index) next(i int, hash uint64) int { return x.match(x.entries[i].prev, hash) }

func (x *index) match(at uint32, hash uint64) int {
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
func (x *index) add(hash uint64) {
	x.entries = append(x.entries, entry{hash: hash})
	if len(x.entries) > len(x.heads) {
		x.heads = make([]uint32, max(minHeads, 2*len(x.heads)))
		x.rebuild()
		return
	}
	x.link(len(x.entries) - 1)
}

func (x *index) link(i int) {
	e := &x.entries[i]
	h := x.head(e.hash)
	e.prev = *h
	*h = uint32(i + 1)
}

// remove takes out place i; later ones move down.
func (x *index) remove(i int) {
	x.entries = append(x.entries[:i], x.entries[i+1:]...)
	clear(x.heads)
	x.rebuild()
}

func (x *index) rebuild() {
	for i := range x.entries {
		x.link(i)
	}
}
