package observe

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/control"
)

//go:embed dashboard
var pages embed.FS

// Bounds of the dashboard.
const (
	orderBytes    = 4 << 10
	orderPatience = 20 * time.Second       // until the browser is told that an order is still under way
	orderTimeout  = 10 * time.Minute       // until nobody listens any more how it ends
	viewAge       = 400 * time.Millisecond // how old a view may be: many viewers cost what one costs
	viewPatience  = 5 * time.Second        // for what the master remembers
)

// tokenHeader is the header with the token. A page of another site cannot send it without being allowed to, and nothing here allows that.
const tokenHeader = "X-Phpsapi-Token"

// policy is the Content-Security-Policy of all pages: nothing from elsewhere, nothing inline, no text that becomes markup.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
	"frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// dashboard shows the service to people, and hands their orders to the master.
type dashboard struct {
	server *server
	orders *contract.Dashboard
	master asksMaster
	past   *history
	http   *http.Server
	files  map[string]*page

	mu     sync.Mutex
	view   []byte    // the last one
	viewed time.Time // when it was made
	events events

	profiles profiles
}

// asksMaster asks the master, and returns its last answer. The others are heard.
type asksMaster func(ctx context.Context, request control.DashboardRequest, hear func(control.Answer)) (control.Answer, error)

// unheard hears nothing.
func unheard(control.Answer) {}

// page is a file of the dashboard.
type page struct {
	kind string
	body []byte
	etag string
}

// events are what the master remembers of requests that were slow or have ended abnormally, as of when there were so many.
type events struct {
	incidents, slow uint64
	text            []byte // nil: it was not asked yet
}

func newDashboard(s *server, orders *contract.Dashboard, master asksMaster, past *history) *dashboard {
	d := &dashboard{server: s, orders: orders, master: master, past: past, files: map[string]*page{}}
	entries, _ := pages.ReadDir("dashboard")
	kinds := map[string]string{"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
	for _, e := range entries {
		body, _ := pages.ReadFile("dashboard/" + e.Name())
		sum := sha256.Sum256(body)
		d.files["/"+e.Name()] = &page{kinds[e.Name()[strings.LastIndexByte(e.Name(), '.')+1:]], body, `"` + hex.EncodeToString(sum[:8]) + `"`}
	}
	d.files["/"] = d.files["/index.html"]
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", d.serveFile)
	mux.HandleFunc("GET /api/now", d.serveNow)
	mux.HandleFunc("GET /api/history", d.serveHistory)
	mux.HandleFunc("GET /api/events", d.serveEvents)
	mux.HandleFunc("POST /api/order", d.serveOrder)
	mux.HandleFunc("GET /api/profile", d.serveProfile)
	mux.HandleFunc("GET /api/profile/{format}", d.serveProfileFile)
	mux.HandleFunc("POST /api/profile", d.serveProfileOrder)
	d.http = &http.Server{Handler: occupying(d.guarded(mux)), ConnContext: withPlace, ConnState: rest, ReadHeaderTimeout: headTimeout, ReadTimeout: headTimeout,
		WriteTimeout: answerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: headBytes, ErrorLog: log.New(io.Discard, "", 0)}
	return d
}

// serve serves on a listener until it is closed.
func (d *dashboard) serve(l net.Listener, p *places) error { return d.http.Serve(&limited{l, p}) }

// guarded refuses what a browser sends on behalf of a page of another site, and has browsers allow pages no more than they need.
func (d *dashboard) guarded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", policy)
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("X-Frame-Options", "DENY")
		head.Set("Referrer-Policy", "no-referrer")
		head.Set("Cross-Origin-Resource-Policy", "same-origin")
		head.Set("Cross-Origin-Opener-Policy", "same-origin")
		head.Set("Cache-Control", "no-store")
		if why := d.foreign(r); why != "" {
			refuse(w, http.StatusForbidden, why)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// foreign returns why a request is not one of the dashboard's own page, or of a program; empty: it is.
func (d *dashboard) foreign(r *http.Request) string {
	host := hostName(r.Host)
	if _, err := netip.ParseAddr(host); err != nil && host != "localhost" && !slices.Contains(d.orders.Hosts, host) {
		return fmt.Sprintf("the dashboard is not called %.80q: use its address or localhost, or add the name to dashboard.hosts", host)
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return ""
	}
	if from := r.Header.Get("Sec-Fetch-Site"); from != "" && from != "same-origin" {
		return "the request comes from a page of another site"
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		if u, err := url.Parse(origin); err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host) {
			return "the request comes from a page of another site"
		}
	}
	return ""
}

// hostName returns the name or address of a Host header, without its port, in lower case.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

// refusal is why something was not done, for people.
type refusal struct {
	Error string `json:"error"`
}

func refuse(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(refusal{why})
}

func (d *dashboard) serveFile(w http.ResponseWriter, r *http.Request) {
	p := d.files[r.URL.Path]
	if p == nil {
		refuse(w, http.StatusNotFound, "there is no such page")
		return
	}
	w.Header().Set("Content-Type", p.kind)
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", p.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(p.body))
}

// send sends JSON, compressed for clients of other machines.
func send(w http.ResponseWriter, r *http.Request, text []byte) {
	w.Header().Set("Content-Type", "application/json")
	if !compresses(r) {
		w.Write(text)
		return
	}
	w.Header().Set("Content-Encoding", "gzip")
	z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
	z.Write(text)
	z.Close()
}

// serveNow tells how the service is. Those who ask at the same time get the same.
func (d *dashboard) serveNow(w http.ResponseWriter, r *http.Request) {
	d.server.asked()
	d.mu.Lock()
	if time.Since(d.viewed) > viewAge {
		v := d.server.view()
		if v == nil {
			d.mu.Unlock()
			refuse(w, http.StatusServiceUnavailable, "the master has not reported the service yet")
			return
		}
		v.Orders = d.orders.Orders
		v.Profile = d.profiles.number()
		d.view, _ = json.Marshal(v) // a new one: the one before is still being sent
		d.viewed = time.Now()
	}
	text := d.view
	d.mu.Unlock()
	send(w, r, text)
}

// serveHistory tells what has been lately.
func (d *dashboard) serveHistory(w http.ResponseWriter, r *http.Request) {
	since, _ := strconv.ParseInt(r.URL.Query().Get("since"), 10, 64)
	text, _ := json.Marshal(d.past.tell(r.URL.Query().Get("pool"), since, time.Now()))
	send(w, r, text)
}

// serveEvents tells what the master remembers. It is asked only if there is more than the last time.
func (d *dashboard) serveEvents(w http.ResponseWriter, r *http.Request) {
	text, err := d.remembered(r.Context())
	if err != nil {
		refuse(w, http.StatusBadGateway, err.Error())
		return
	}
	send(w, r, text)
}

func (d *dashboard) remembered(ctx context.Context) ([]byte, error) {
	now := events{}
	if service := d.server.known(); service != nil {
		now.incidents, now.slow = happened(service)
	}
	d.mu.Lock()
	last := d.events
	d.mu.Unlock()
	if last.text != nil && last.incidents == now.incidents && last.slow == now.slow {
		return last.text, nil
	}
	ctx, cancel := context.WithTimeout(ctx, viewPatience)
	defer cancel()
	var told struct {
		Incidents *control.Incidents `json:"incidents"`
		Slow      *control.Slow      `json:"slow"`
	}
	for _, command := range []control.Command{control.LastIncidents, control.SlowRequests} {
		a, err := d.master(ctx, control.DashboardRequest{Request: control.Request{Command: command}}, unheard)
		switch {
		case err != nil:
			return nil, err
		case a.Reason != "":
			return nil, fmt.Errorf("%s", a.Why)
		case a.Incidents != nil:
			told.Incidents = a.Incidents
		default:
			told.Slow = a.Slow
		}
	}
	now.text, _ = json.Marshal(told)
	d.mu.Lock()
	d.events = now
	d.mu.Unlock()
	return now.text, nil
}

// happened counts the incidents and the slow requests that the master has told of.
func happened(service *contract.Service) (incidents, slow uint64) {
	for _, n := range service.Incidents {
		incidents += n
	}
	return incidents, service.Slow
}
