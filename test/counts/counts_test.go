package counts

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// ways are how requests come, and what a worker may do for each of them.
var ways = []struct {
	name   string
	begin  func(*testing.T) *path
	calls  map[string]int // system calls
	cgo    int            // calls from Go into C; C calls Go never
	allocs int
}{
	{"FastCGI", byFastCGI, map[string]int{"epoll_pwait": 1, "recvfrom": 1, "sendto": 1, "fcntl": 2}, 2, 0},
	{"HTTP", byHTTP, map[string]int{"epoll_pwait": 1, "recvfrom": 1, "sendmsg": 1, "fcntl": 2}, 2, 0},
	{"HTTP, another path each time", byOtherHTTP, map[string]int{"epoll_pwait": 1, "recvfrom": 1, "sendmsg": 1, "fcntl": 2, "newfstatat": 2}, 2, 1},
	{"FastCGI, traced", with(exporting, byFastCGI), map[string]int{"epoll_pwait": 1, "recvfrom": 1, "sendto": 2, "fcntl": 2}, 2, 0},
	{"FastCGI, access log in JSON", with("PHPSAPI_LOG_FORMAT=json PHPSAPI_POOL_WWW_ACCESS_LOG=DIR/access.log", byFastCGI),
		map[string]int{"epoll_pwait": 1, "recvfrom": 1, "sendto": 1, "fcntl": 2, "write": 1, "ioctl": 2}, 2, 0}, // ioctl: as with catch_workers_output
	{"HTTP, traced", with(exporting, byHTTP), map[string]int{"epoll_pwait": 1, "recvfrom": 1, "sendmsg": 1, "sendto": 1, "fcntl": 2}, 2, 0},
}

// exporting has the spans of all requests exported, to a collector that is not there.
const exporting = "PHPSAPI_TRACES_ENDPOINT=http://127.0.0.1:9"

// with sets variables, NAME=value, in which DIR is a directory of the test's.
func with(variables string, begin func(*testing.T) *path) func(*testing.T) *path {
	return func(t *testing.T) *path {
		for variable := range strings.FieldsSeq(strings.ReplaceAll(variables, "DIR", t.TempDir())) {
			name, value, _ := strings.Cut(variable, "=")
			t.Setenv(name, value)
		}
		return begin(t)
	}
}

// spare is how often a thing may be done in all besides: what the machine does meanwhile may part a connection from its worker.
const spare = requests / 50

func TestSystemCallsOfARequest(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			counts, took := way.begin(t).systemCalls(t)
			for call, each := range way.calls {
				if n := counts[call]; n > each*requests+spare {
					t.Errorf("%d requests make %d calls of %s, %d are allowed for each", requests, n, call, each)
				}
			}
			// The rest is done once in 10 ms, or in more: the timer of max_execution_time is set (lifecycle/engine_timer.c), CPU time is asked
			// for, a script is looked for.
			rest, most := 0, spare+3*int(took/(10*time.Millisecond))
			for _, call := range slices.Sorted(maps.Keys(counts)) {
				if _, ordinary := way.calls[call]; !ordinary {
					rest += counts[call]
					t.Logf("%s: %d in %d requests", call, counts[call], requests)
				}
			}
			if rest > most {
				t.Errorf("%d requests in %v make %d other system calls, %d are allowed", requests, took, rest, most)
			}
		})
	}
}

// PHP has a temporary file for a body of more than 16 KB, which it writes, seeks in and reads.
func TestLongBodyNeedsNoFile(t *testing.T) {
	counts, _ := asFastCGI(t, "/body.php", strings.Repeat("0123456789", 10_000)).systemCalls(t)
	for _, call := range []string{"openat", "write", "lseek", "read"} {
		if counts[call] > spare {
			t.Errorf("%d requests with a body of 100 KB make %d calls of %s", requests, counts[call], call)
		}
	}
}

// php-fpm writes 8 KB at a time.
func TestLongAnswerIsWrittenInLargePieces(t *testing.T) {
	counts, _ := asFastCGI(t, "/long.php", "").systemCalls(t)
	if n := counts["sendto"] + counts["writev"]; n > 8*requests {
		t.Errorf("%d answers of 100 KB are written by %d calls", requests, n)
	}
}

func TestCallsBetweenGoAndCOfARequest(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			counts := way.begin(t).functions(t, "runtime.cgocall", "runtime.cgocallbackg")
			if n := counts["runtime.cgocall"]; n > way.cgo*requests+spare || n < requests {
				t.Errorf("%d requests make %d calls into C, %d are allowed for each", requests, n, way.cgo)
			}
			if n := counts["runtime.cgocallbackg"]; n > spare {
				t.Errorf("in %d requests C calls Go %d times", requests, n)
			}
		})
	}
}

func TestAllocationsOfARequest(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			p := way.begin(t)
			began := time.Now()
			counts := p.functions(t, "runtime.mallocgc")
			// Once a second the links of the site's root and the files that deny access are looked for. A directory of the path costs
			// two allocations or three.
			seconds := 1 + int(time.Since(began)/time.Second)
			if n := counts["runtime.mallocgc"]; n > way.allocs*requests+spare+40*seconds {
				t.Errorf("%d requests allocate %d times, %d times are allowed for each", requests, n, way.allocs)
			}
		})
	}
}
