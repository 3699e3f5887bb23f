package observe

import (
	"compress/gzip"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// Bounds for those who ask. Their number keeps an observer small, and their time keeps it from being occupied.
const (
	mostConnections = 64
	mostPages       = 4 // of metrics, at the same time
	headTimeout     = 5 * time.Second
	answerTimeout   = 30 * time.Second
	idleTimeout     = 2 * time.Minute
	headBytes       = 16 << 10
)

// server answers questions about the service.
type server struct {
	families []Family
	asked    func() // tells the master that somebody asks for metrics
	http     *http.Server
	exporter *exporter     // nil: spans are not exported
	pages    chan struct{} // one for each page that is being made

	told    chan struct{} // closed when the master has told of the service
	mu      sync.Mutex
	service *contract.Service // nil: the master has not said it yet
	pools   []*watched
	heard   time.Time  // when the master said something last
	scrapes uint64     // pages that were made
	free    []*picture // the last one that was used comes first: four of 500 pools are 8 MB
	shown   *picture   // for the dashboard's view; nil: nobody has looked
}

func newServer(pools []*watched, asked func()) *server {
	s := &server{families: Families(), asked: asked, pools: pools, heard: time.Now(), pages: make(chan struct{}, mostPages), told: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", s.serveMetrics)
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, r *http.Request) { answer(w, r, s.live()) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		answer(w, r, s.known().Ready(r.URL.Query().Get("pool")))
	})
	mux.HandleFunc("GET /startupz", func(w http.ResponseWriter, r *http.Request) {
		answer(w, r, s.known().Startup())
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "/metrics\n/livez\n/readyz\n/startupz\n")
	})
	s.http = &http.Server{Handler: occupying(mux), ConnContext: withPlace, ConnState: rest, ReadHeaderTimeout: headTimeout, ReadTimeout: headTimeout, WriteTimeout: answerTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: headBytes, ErrorLog: log.New(io.Discard, "", 0)}
	return s
}

// serve serves on a listener until it is closed.
func (s *server) serve(l net.Listener, p *places) error {
	return s.http.Serve(&limited{l, p})
}

// live is the answer to /livez.
func (s *server) live() control.Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	return live(s.heard, time.Now())
}

// known returns what the master has said of the service; nil: nothing yet.
func (s *server) known() *contract.Service {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.service
}

// hear notes that the master lives.
func (s *server) hear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = time.Now()
}

// awaitService waits until the master has told of the service, but not for ever.
func (s *server) awaitService(patience time.Duration) {
	select {
	case <-s.told:
	case <-time.After(patience):
	}
}

// heed takes what the master says of the service. Scoreboards of generations that are gone are given up.
func (s *server) heed(service *contract.Service) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.service == nil {
		close(s.told)
	}
	s.service, s.heard = service, time.Now()
	there := map[int]bool{}
	for _, g := range service.Generations {
		there[g.Number] = true
	}
	var kept []*watched
	for _, w := range s.pools {
		if there[w.Generation] {
			kept = append(kept, w)
		} else {
			w.board.Close()
		}
	}
	s.pools = kept
}

// picture makes a picture of the service, to be put back; nil: the master has not told of it yet.
func (s *server) picture() *picture {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.service == nil {
		return nil
	}
	p := &picture{}
	if n := len(s.free); n > 0 {
		p, s.free = s.free[n-1], s.free[:n-1]
	}
	p.take(s.service, s.pools)
	p.exporter = s.exporter
	s.scrapes++
	p.scrapes = s.scrapes - 1
	return p
}

// pictureInto makes a picture that is the caller's. It returns false if the master has not reported the service yet.
func (s *server) pictureInto(p *picture) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.service == nil {
		return false
	}
	p.take(s.service, s.pools)
	return true
}

// putBack takes a picture back whose page was written.
func (s *server) putBack(p *picture) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, p)
}

func (s *server) serveMetrics(w http.ResponseWriter, r *http.Request) {
	s.asked()
	select {
	case s.pages <- struct{}{}:
	case <-time.After(headTimeout):
		http.Error(w, "too many ask for metrics at the same time", http.StatusServiceUnavailable)
		return
	}
	defer func() { <-s.pages }()
	p := s.picture()
	if p == nil {
		http.Error(w, "the master has not reported the service yet", http.StatusServiceUnavailable)
		return
	}
	defer s.putBack(p)
	f := chosen(r.Header.Values("Accept"))
	w.Header().Set("Content-Type", f.contentType())
	var to io.Writer = w
	if compresses(r) {
		w.Header().Set("Content-Encoding", "gzip")
		z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
		defer z.Close()
		to = z
	}
	p.write(to, f, s.families)
}

// compresses reports whether a page is to be compressed: not for clients of this machine.
func compresses(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if ip := net.ParseIP(host); err != nil || ip == nil || ip.IsLoopback() {
		return false
	}
	return strings.Contains(strings.Join(r.Header.Values("Accept-Encoding"), ","), "gzip")
}

// watch maps the scoreboard of a pool. The descriptor is the caller's.
func watch(pool contract.ObservedPool, fd int) (*watched, error) {
	board, err := scoreboard.OpenReader(fd, pool.Slots)
	if err != nil {
		return nil, err
	}
	return &watched{pool, board}, nil
}
