package incident

import (
	"cmp"
	"slices"
	"time"
)

// Window is how long it is remembered that a script has ended a worker, Many how many workers it ends meanwhile before that is
// remarkable.
const (
	Window = 10 * time.Minute
	Many   = 5
)

// maxScripts is how many scripts are counted.
const maxScripts = 256

const buckets = 10

// Killers counts the workers that scripts have ended. Its zero value is ready.
type Killers struct{ scripts map[name]*killer }

type name struct{ pool, script string }

// killer counts in buckets, each for a part of Window.
type killer struct {
	count  [buckets]int
	part   [buckets]int64 // which part of time the count is of
	last   time.Time
	saidAt time.Time
}

// Script is a script that has ended workers within Window.
type Script struct {
	Pool   string `json:"pool"`
	Script string `json:"script"`
	Ended  int    `json:"ended"` // workers
	Last   string `json:"last"`  // as Incident.Time
}

// Count counts a worker that a script has ended, and returns how many it has ended within Window. news says that those are Many, and
// that this was not said within Window.
func (k *Killers) Count(pool, script string, now time.Time) (ended int, news bool) {
	if k.scripts == nil {
		k.scripts = map[name]*killer{}
	}
	id := name{pool, script}
	s := k.scripts[id]
	if s == nil {
		k.makeRoom(now)
		s = &killer{}
		k.scripts[id] = s
	}
	part := partOf(now)
	at := part % buckets
	if s.part[at] != part {
		s.part[at], s.count[at] = part, 0
	}
	s.count[at]++
	s.last = now
	ended = s.ended(now)
	if news = ended >= Many && (s.saidAt.IsZero() || now.Sub(s.saidAt) >= Window); news {
		s.saidAt = now
	}
	return ended, news
}

// Killer is what is known of a script that has ended workers, for another program.
type Killer struct {
	Pool, Script string
	Count        [buckets]int
	Part         [buckets]int64
	Last, SaidAt time.Time
}

// Leave returns all that is known.
func (k *Killers) Leave() (all []Killer) {
	for id, s := range k.scripts {
		all = append(all, Killer{id.pool, id.script, s.count, s.part, s.last, s.saidAt})
	}
	return all
}

// Adopt takes over what Leave has returned in another program.
func (k *Killers) Adopt(all []Killer) {
	k.scripts = map[name]*killer{}
	for _, s := range all[:min(len(all), maxScripts)] {
		k.scripts[name{s.Pool, s.Script}] = &killer{s.Count, s.Part, s.Last, s.SaidAt}
	}
}

func partOf(t time.Time) int64 { return t.UnixNano() / int64(Window/buckets) }

func (k *killer) ended(now time.Time) (n int) {
	oldest := partOf(now) - buckets
	for i, part := range k.part {
		if part > oldest {
			n += k.count[i]
		}
	}
	return n
}

// makeRoom forgets the scripts that have ended nobody within Window, or the one that has not for the longest time.
func (k *Killers) makeRoom(now time.Time) {
	if len(k.scripts) < maxScripts {
		return
	}
	var oldest name
	var since time.Time
	for id, s := range k.scripts {
		switch {
		case s.ended(now) == 0:
			delete(k.scripts, id)
		case since.IsZero() || s.last.Before(since):
			oldest, since = id, s.last
		}
	}
	if len(k.scripts) >= maxScripts {
		delete(k.scripts, oldest)
	}
}

// Repeated returns the scripts of a pool that have ended two workers or more within Window, those that have ended most first. An empty
// name stands for all pools.
func (k *Killers) Repeated(pool string, now time.Time) []Script {
	all := []Script{}
	for id, s := range k.scripts {
		if n := s.ended(now); n > 1 && (pool == "" || pool == id.pool) {
			all = append(all, Script{id.pool, id.script, n, Stamp(s.last)})
		}
	}
	slices.SortFunc(all, func(a, b Script) int {
		return cmp.Or(b.Ended-a.Ended, cmp.Compare(a.Pool, b.Pool), cmp.Compare(a.Script, b.Script))
	})
	return all
}
