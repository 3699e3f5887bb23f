package observe

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/profile"
)

// Bounds of profiles.
const (
	profileMemory  = 48 << 20        // that one takes, about: what workers say is theirs alone
	profileBegins  = 5 * time.Second // until the browser is told that a profile is being made, if the master says nothing
	profileEnds    = 15 * time.Second
	profileNodes   = 6000 // of a tree that is shown
	profileShare   = 0.0005
	profileViewAge = 400 * time.Millisecond
)

// profiles has the last profile, which may be still being made. Everybody who looks at the dashboard sees it; the token is needed to begin one.
type profiles struct {
	mu   sync.Mutex
	last *made
}

// made is a profile.
type made struct {
	number int
	order  profileOrder
	token  [32]byte // the SHA-256 of the token by which it was begun, and can be ended
	cancel context.CancelFunc

	mu      sync.Mutex
	profile profile.Profile
	running bool
	why     string           // why it has failed
	end     *control.Profile // what the master has told at the end
	view    []byte
	viewed  time.Time
}

// profileOrder is what a browser wants: a profile, or the end of one.
type profileOrder struct {
	Pool    string `json:"pool"`
	Site    string `json:"site"`
	URL     string `json:"url"`
	Seconds int    `json:"seconds"`
	End     int    `json:"end,omitempty"` // the number of the profile that is to end
}

// profileView is a profile as the page shows it. Times are in seconds.
type profileView struct {
	Number  int           `json:"number"` // 0: there was none
	Of      *profileOrder `json:"of,omitempty"`
	Running bool          `json:"running"`
	Why     string        `json:"why,omitempty"`
	Began   float64       `json:"began"` // since 1970
	Length  float64       `json:"length"`
	Rate    int           `json:"rate"`
	Total   int           `json:"total"`
	Dropped int           `json:"dropped"`
	Workers int           `json:"workers"` // that have taken samples; known at the end
	Unheard int           `json:"unheard"`
	Lost    int           `json:"lost"` // bytes
	Tree    *profile.Tree `json:"tree,omitempty"`
}

// number is the number of the last profile.
func (p *profiles) number() int {
	if m := p.get(); m != nil {
		return m.number
	}
	return 0
}

func (p *profiles) get() *made {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// begin has a profile take the place of the last one. It returns nil if that is still being made.
func (p *profiles) begin(o profileOrder, token string, cancel context.CancelFunc) *made {
	p.mu.Lock()
	defer p.mu.Unlock()
	number := 1
	if p.last != nil {
		if p.last.runs() {
			return nil
		}
		number = p.last.number + 1
	}
	p.last = &made{number: number, order: o, token: sha256.Sum256([]byte(token)), cancel: cancel, running: true,
		profile: profile.Profile{Filter: profile.Filter{Site: o.Site, URL: o.URL}, Began: time.Now(), Rate: control.ShownRate, Most: profileMemory, Title: o.title()}}
	return p.last
}

// drop forgets a profile that the master has refused, if there is none after it.
func (p *profiles) drop(m, before *made) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last == m {
		p.last = before
	}
}

func (m *made) runs() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.running
}

// title is what a profile is called in files.
func (o *profileOrder) title() string {
	what := "all pools"
	if o.Pool != "" {
		what = "pool " + o.Pool
	}
	if o.Site != "" {
		what += ", site " + o.Site
	}
	if o.URL != "" {
		what += ", URLs " + o.URL + "…"
	}
	return "PHP in " + what
}

// serveProfileOrder begins a profile, or ends one. The master looks at the token.
func (d *dashboard) serveProfileOrder(w http.ResponseWriter, r *http.Request) {
	var o profileOrder
	token, taken := d.take(w, r, &o)
	switch {
	case !taken:
	case o.End != 0:
		d.endProfile(w, token, o.End)
	case len(o.Pool) > control.MaxToken:
		refuse(w, http.StatusBadRequest, "no pool has so long a name")
	case o.Seconds < 1 || o.Seconds > control.LongestShownProfile:
		refuse(w, http.StatusBadRequest, fmt.Sprintf("a profile takes from 1 to %d seconds here; phpsapi fpm profile makes longer ones", control.LongestShownProfile))
	default:
		d.beginProfile(w, o, token, clientOf(r))
	}
}

func (d *dashboard) beginProfile(w http.ResponseWriter, o profileOrder, token, client string) {
	before := d.profiles.get()
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(o.Seconds)*time.Second+profileEnds)
	m := d.profiles.begin(o, token, cancel)
	if m == nil {
		cancel()
		refuse(w, http.StatusConflict, "a profile is being made already: wait for its end, or end it")
		return
	}
	type ending struct {
		control.Answer
		err error
	}
	begun, ended := make(chan struct{}), make(chan ending, 1)
	begins := sync.OnceFunc(func() { close(begun) })
	go func() {
		defer cancel()
		a, err := d.master(ctx, control.DashboardRequest{Token: token, Client: client,
			Request: control.Request{Command: control.MakeProfile, Pool: o.Pool, Count: o.Seconds, Rate: control.ShownRate}}, func(a control.Answer) {
			m.hear(a)
			begins()
		})
		m.ends(a, err, ctx.Err())
		ended <- ending{a, err}
	}()
	tell := func() {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(outcome{Text: "a profile is being made"})
	}
	select {
	case <-begun:
		tell()
	case <-time.After(profileBegins):
		tell()
	case e := <-ended:
		if e.err == nil && e.Reason == "" {
			tell()
			return
		}
		d.profiles.drop(m, before)
		d.tellEnding(w, order{}, e.Answer, e.err)
	}
}

// endProfile ends a profile before its time, for those who have begun it.
func (d *dashboard) endProfile(w http.ResponseWriter, token string, number int) {
	m, sum := d.profiles.get(), sha256.Sum256([]byte(token))
	switch {
	case m == nil || m.number != number || !m.runs():
		refuse(w, http.StatusConflict, "that profile has ended")
	case subtle.ConstantTimeCompare(sum[:], m.token[:]) != 1:
		refuse(w, http.StatusForbidden, "the token is wrong: it is not the one that began the profile")
	default:
		m.cancel()
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(outcome{true, "the profile has ended"})
	}
}

// hear takes samples.
func (m *made) hear(a control.Answer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range a.Samples {
		s := &a.Samples[i]
		m.profile.Add(s.Pid, s.Generation, s.Pool, s.Lines)
	}
}

// ends notes how a profile has ended. canceled is why nobody waited for the master any more.
func (m *made) ends(a control.Answer, err, canceled error) {
	m.hear(a)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running, m.end, m.viewed = false, a.Profile, time.Time{}
	m.profile.Length = min(time.Since(m.profile.Began), time.Duration(m.order.Seconds)*time.Second)
	switch {
	case canceled == context.Canceled: // somebody has ended it
	case canceled != nil:
		m.why = "the master has not ended it in time; see the error log"
	case err != nil:
		m.why = err.Error()
	case a.Reason != "":
		m.why = a.Why
	}
}

// serveProfile tells of the last profile as it is.
func (d *dashboard) serveProfile(w http.ResponseWriter, r *http.Request) {
	m := d.profiles.get()
	if m == nil {
		send(w, r, []byte(`{"number":0}`))
		return
	}
	send(w, r, m.show())
}

// show returns a profile as JSON. Those who look at the same time get the same.
func (m *made) show() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.viewed.IsZero() && (!m.running || time.Since(m.viewed) < profileViewAge) {
		return m.view
	}
	p := &m.profile
	v := profileView{Number: m.number, Of: &m.order, Running: m.running, Why: m.why, Began: float64(p.Began.UnixMilli()) / 1e3, Length: p.Length.Seconds(), Rate: p.Rate,
		Total: p.Total, Dropped: p.Dropped}
	if m.running {
		v.Length = time.Since(p.Began).Seconds()
	}
	if m.end != nil {
		v.Workers, v.Unheard, v.Lost = m.end.Workers, m.end.Unheard, m.end.Dropped
	}
	if p.Total > 0 {
		v.Tree = p.Tree(profileShare, profileNodes)
	}
	m.view, _ = json.Marshal(&v)
	m.viewed = time.Now()
	return m.view
}

// profileFiles are the files in which a profile can be had: their endings, their media types, and what writes them.
var profileFiles = map[string]struct {
	ending, kind string
	write        func(*profile.Profile, *bytes.Buffer) error
}{
	"svg":    {"svg", "image/svg+xml", func(p *profile.Profile, b *bytes.Buffer) error { return p.WriteFlame(b) }},
	"folded": {"folded", "text/plain; charset=utf-8", func(p *profile.Profile, b *bytes.Buffer) error { return p.WriteFolded(b) }},
	"pprof":  {"pb.gz", "application/octet-stream", func(p *profile.Profile, b *bytes.Buffer) error { return p.WritePprof(b) }},
}

// serveProfileFile sends a profile as a file, as phpsapi fpm profile writes it.
func (d *dashboard) serveProfileFile(w http.ResponseWriter, r *http.Request) {
	m := d.profiles.get()
	file, known := profileFiles[r.PathValue("format")]
	if number, _ := strconv.Atoi(r.URL.Query().Get("number")); m == nil || !known || number != m.number {
		refuse(w, http.StatusNotFound, "there is no such profile any more")
		return
	}
	var text bytes.Buffer
	m.mu.Lock()
	p := m.profile
	if m.running {
		p.Length = time.Since(p.Began)
	}
	err := file.write(&p, &text)
	m.mu.Unlock()
	if err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.' {
			return r
		}
		return '_'
	}, "phpsapi-"+m.order.Pool+"-"+p.Began.Format("20060102-150405"))
	w.Header().Set("Content-Type", file.kind)
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+"."+file.ending+`"`)
	w.Write(text.Bytes())
}
