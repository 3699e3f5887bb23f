package sapi

// Caches is the figures of PHP's two caches, which all workers of a zygote share: opcache keeps compiled scripts, APCu what scripts put
// there. Memory is in bytes, times are in seconds since 1970. It is struct engine_caches of lifecycle/engine.h.
type Caches struct {
	Opcache OpcacheFigures
	APCu    APCuFigures
}

// OpcacheFigures are opcache's own figures.
type OpcacheFigures struct {
	There          int64 // 1 if opcache is loaded and has memory; 0: the other fields are 0
	Full           int64 // 1 if it takes no more scripts
	RestartPending int64 // 1 if it is about to forget all scripts, as soon as no request uses them

	Used, Free, Wasted        int64
	StringsUsed, StringsFree  int64 // memory of interned strings
	Strings                   int64
	Scripts, Keys, KeysLimit  int64
	Hits, Misses              int64 // since the last restart
	ByMemory, ByKeys, ByReset int64 // restarts: memory or keys were used up, or opcache_reset() was called
	Restarted                 int64 // when, the last time; 0: never
	JITSize, JITFree          int64
}

// APCuFigures are APCu's own figures.
type APCuFigures struct {
	There                 int64 // 1 if APCu is loaded; 0: the other fields are 0
	Size, Free            int64
	Entries               int64
	Hits, Misses, Inserts int64
	Expunges              int64 // how often it was full and dropped entries
}
