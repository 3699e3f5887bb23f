package control

import "github.com/phpsapi/phpsapi/sapi"

// Caches is what OpcacheStatus and OpcacheReset tell. Its JSON is what `phpsapi fpm opcache status --json` prints: names may be added. Memory is in
// bytes.
type Caches struct {
	Engines []EngineCaches `json:"engines"`
}

// EngineCaches are the caches of an engine, which all of its pools share.
type EngineCaches struct {
	Generation int      `json:"generation"`
	Engine     int      `json:"engine"` // its number in the generation, from 1
	PHP        string   `json:"php"`    // MAJOR.MINOR
	Pools      []string `json:"pools"`
	WorkerMode bool     `json:"worker_mode"`     // its pools are in worker mode
	Age        *float64 `json:"age"`             // how old the figures are, in seconds; nil: no worker has been asked yet, and there are none
	Opcache    *Opcache `json:"opcache"`         // nil: there is none, or it is not known
	APCu       *APCu    `json:"apcu"`            // likewise
	Reset      bool     `json:"reset,omitempty"` // it is reset, by OpcacheReset
	Why        string   `json:"why,omitempty"`   // it is not
}

// Opcache is what opcache tells of itself.
type Opcache struct {
	Full           bool          `json:"full"`            // it takes no more scripts
	RestartPending bool          `json:"restart_pending"` // it is about to forget all scripts, as soon as no request uses them
	Memory         Memory        `json:"memory"`
	Strings        Memory        `json:"interned_strings_memory"`
	StringsNumber  int64         `json:"interned_strings"`
	Scripts        int64         `json:"scripts"`
	Keys           int64         `json:"keys"`
	KeysLimit      int64         `json:"keys_limit"`
	Hits           int64         `json:"hits"` // since the last restart, as are
	Misses         int64         `json:"misses"`
	Restarts       CacheRestarts `json:"restarts"`
	Restarted      int64         `json:"restarted,omitempty"` // when, the last time, in seconds since 1970
	JIT            *Memory       `json:"jit_memory,omitempty"`
}

// Memory is the memory of a cache.
type Memory struct {
	Used   int64 `json:"used"`
	Free   int64 `json:"free"`
	Wasted int64 `json:"wasted,omitempty"`
}

// CacheRestarts are the restarts of opcache, by their reasons.
type CacheRestarts struct {
	Memory int64 `json:"memory"` // it was used up
	Keys   int64 `json:"keys"`   // they were used up
	Reset  int64 `json:"reset"`  // opcache_reset() was called, or OpcacheReset asked for
}

// APCu is what APCu tells of itself.
type APCu struct {
	Memory   Memory `json:"memory"`
	Entries  int64  `json:"entries"`
	Hits     int64  `json:"hits"`
	Misses   int64  `json:"misses"`
	Inserts  int64  `json:"inserts"`
	Expunges int64  `json:"expunges"` // how often it was full and dropped entries
}

// Tell fills in what the caches have told.
func (e *EngineCaches) Tell(c *sapi.Caches) {
	if o := &c.Opcache; o.There != 0 {
		e.Opcache = &Opcache{Full: o.Full != 0, RestartPending: o.RestartPending != 0, Memory: Memory{o.Used, o.Free, o.Wasted},
			Strings: Memory{Used: o.StringsUsed, Free: o.StringsFree}, StringsNumber: o.Strings, Scripts: o.Scripts, Keys: o.Keys, KeysLimit: o.KeysLimit,
			Hits: o.Hits, Misses: o.Misses, Restarts: CacheRestarts{o.ByMemory, o.ByKeys, o.ByReset}, Restarted: o.Restarted}
		if o.JITSize > 0 {
			e.Opcache.JIT = &Memory{Used: max(o.JITSize-o.JITFree, 0), Free: o.JITFree}
		}
	}
	if a := &c.APCu; a.There != 0 {
		e.APCu = &APCu{Memory{Used: max(a.Size-a.Free, 0), Free: a.Free}, a.Entries, a.Hits, a.Misses, a.Inserts, a.Expunges}
	}
}
