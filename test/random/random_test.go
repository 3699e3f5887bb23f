// Package random_test sends random FastCGI requests to phpsapi as php-fpm and as php-cgi -b, with random settings, and the
// same ones to stock PHP, and compares everything that comes back: both streams, the statuses, what becomes of the
// connection, the access log. No worker may end by a request.
//
//	settings_test.go   a round's servers: the settings of its pool and of php.ini
//	requests_test.go   its requests, and what is no request at all
//	servers_test.go    the servers, and a conversation with one
//
// A round is made from a number, which a failure names: go test ./test/random -args -seed N. make fuzz runs rounds for
// ten minutes.
package random_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/exchange"
	"github.com/phpsapi/phpsapi/test/serve"
	knownfaults "github.com/phpsapi/phpsapi/test/stock"
)

var (
	seed     = flag.Uint64("seed", 0, "run the round of this `number` alone")
	duration = flag.Duration("for", 0, "run rounds of new numbers for so long")
)

var bin string // where phpsapi is under the names php-fpm and php-cgi

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(serve.Main(m, func(dir string) error {
		bin = dir
		return serve.Stock().Installed()
	}))
}

// Rounds and requests of a run of the tests.
const (
	rounds      = 10
	requests    = 50
	hostile     = 10
	maxFailures = 5
)

func TestRandomRequestsAsStock(t *testing.T) {
	dir := site(t)
	switch {
	case *seed != 0:
		round(t, dir, *seed)
	case *duration > 0:
		n, failed := uint64(time.Now().UnixNano()/1e6)<<20, 0
		for end := time.Now().Add(*duration); time.Now().Before(end) && failed < maxFailures; n++ {
			if !round(t, dir, n) {
				failed++
			}
		}
		t.Logf("%d rounds of %d requests", n&(1<<20-1), requests)
	default:
		for n := range uint64(rounds) {
			round(t, dir, n+1)
		}
	}
}

// round compares the answers to one number's requests with its settings.
func round(t *testing.T, dir string, number uint64) bool {
	return t.Run(fmt.Sprintf("seed %d", number), func(t *testing.T) {
		g := generator{Rand: rand.New(rand.NewPCG(number, 1)), dir: dir}
		s := g.settings()
		if s.program == "php-cgi" && knownfaults.PathInfo.In(t, stockPrograms[s.program]) {
			s.ini = append(s.ini, "cgi.fix_pathinfo=0")
		}
		stock, ours := start(t, s, stockPrograms[s.program]), start(t, s, filepath.Join(bin, s.program))
		stock.ready()
		ours.ready()
		stockWorker, worker := stock.worker(), ours.worker()
		for i := range requests {
			r := g.request(s)
			answer := make(chan string)
			go func() { answer <- stock.converse(r.wire) }()
			got := ours.converse(r.wire)
			if difference := exchange.Difference(got, <-answer); difference != "" {
				if stock.died(stockWorker) {
					t.Logf("stock %s dies by request %d; the round ends\n%s", s.program, i, &r.told)
					return
				}
				t.Fatalf("request %d differs: %s\n%s\n%s\nrun it again: go test ./test/random -args -seed %d", i, difference, &r.told, s, number)
			}
		}
		ours.sameWorker(worker, "the last request")
		compareLogs(t, stock, ours)
		for i := range hostile {
			ours.send(g.hostile())
			ours.sameWorker(worker, fmt.Sprintf("what is not a request, %d", i))
		}
		if t.Failed() {
			t.Logf("%s\nrun it again: go test ./test/random -args -seed %d", s, number)
		}
	})
}

// generator makes what is random.
type generator struct {
	*rand.Rand
	dir  string // of the scripts
	wild bool   // also what stock PHP makes nothing sensible of
}

// one is true once in n times.
func (g generator) one(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g generator, of ...T) T { return of[g.IntN(len(of))] }

// text is n bytes, of which few are odd. None are those that phpsapi writes otherwise to an access log.
func (g generator) text(n int) string {
	const plain, odd = "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_./", " \"'\\%&=;?#[]{}<>\x00\x80\xc3\xa4\xff:,+$"
	b := make([]byte, n)
	rare := pick(g, 0, 0, 3, 30)
	for i := range b {
		if rare > 0 && g.one(rare) {
			b[i] = odd[g.IntN(len(odd))]
		} else {
			b[i] = plain[g.IntN(len(plain))]
		}
	}
	return string(b)
}

// length is how long a text is; the lengths where formats and buffers change are frequent.
func (g generator) length() int {
	if g.one(2) {
		return g.IntN(40)
	}
	n := pick(g, 0, 1, 64, 127, 128, 255, 256, 512, 1000, 1024, 2048, 4096, 8192, 16384)
	return max(0, n+g.IntN(5)-2)
}
