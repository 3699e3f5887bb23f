package observe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/control"
)

// Bounds of the export. Spans that wait here are no more than mostQueued: then nobody reads the pools' sockets, and workers count the spans that these do not take.
const (
	mostQueued   = 2048
	mostBatch    = 512
	batchDelay   = time.Second // for which spans wait for others
	sendTimeout  = 10 * time.Second
	retryFor     = time.Minute // of a batch, since its first attempt
	firstRetry   = time.Second
	mostRetry    = 15 * time.Second
	mostResponse = 64 << 10
	complainedOf = time.Minute // how often it is logged, at most, that spans are lost
	flushTime    = 2 * time.Second
)

// exporter sends spans to a collector, by OTLP over HTTP, in protobuf.
type exporter struct {
	to       *contract.Export
	resource []byte
	client   *http.Client
	log      func(format string, args ...any)
	patience struct{ delay, retry, retries time.Duration } // batchDelay, firstRetry and retryFor, but for tests

	mu      sync.Mutex
	room    sync.Cond // there is room in the queue, or the exporter ends
	queue   [][]byte  // as appendSpan wrote them
	ended   bool      // nothing is put into the queue any more
	arrived chan struct{}
	flushed chan struct{} // closed when it ends, and its last batch is sent or given up
	ending  context.CancelFunc
	end     context.Context // done when it ends

	sent, failed, rejected atomic.Uint64 // spans
	saidAt                 time.Time
}

func newExporter(to *contract.Export, log func(format string, args ...any)) *exporter {
	e := &exporter{to: to, resource: appendResource(nil, to.Resource), log: log, arrived: make(chan struct{}, 1), flushed: make(chan struct{})}
	e.room.L = &e.mu
	e.patience.delay, e.patience.retry, e.patience.retries = batchDelay, firstRetry, retryFor
	e.end, e.ending = context.WithCancel(context.Background())
	e.client = &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 1, MaxResponseHeaderBytes: mostResponse, IdleConnTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return e
}

// put queues a span. It waits for room. It returns false if the exporter ends.
func (e *exporter) put(span []byte) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(e.queue) >= mostQueued && !e.ended {
		e.room.Wait()
	}
	if e.ended {
		return false
	}
	e.add(span)
	return true
}

// add adds a span to the queue. The caller holds the lock.
func (e *exporter) add(span []byte) {
	e.queue = append(e.queue, span)
	if n := len(e.queue); n == 1 || n == mostBatch {
		select {
		case e.arrived <- struct{}{}:
		default:
		}
	}
}

// take takes the next batch; nil: there is nothing.
func (e *exporter) take() [][]byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := min(len(e.queue), mostBatch)
	if n == 0 {
		return nil
	}
	batch := e.queue[:n:n]
	e.queue = e.queue[n:]
	e.room.Broadcast()
	return batch
}

func (e *exporter) length() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.queue)
}

// run sends batches until the exporter ends and nothing is left.
func (e *exporter) run() {
	defer close(e.flushed)
	for {
		if e.length() < mostBatch {
			e.await()
		}
		batch := e.take()
		if batch == nil {
			if e.end.Err() != nil {
				return
			}
			continue
		}
		e.export(batch)
	}
}

// await waits for a batch: mostBatch spans, or as many as come until the first has waited for the delay.
func (e *exporter) await() {
	if e.length() == 0 {
		select {
		case <-e.arrived:
		case <-e.end.Done():
			return
		}
	}
	delay := time.NewTimer(e.patience.delay)
	defer delay.Stop()
	for e.length() < mostBatch {
		select {
		case <-e.arrived:
		case <-delay.C:
			return
		case <-e.end.Done():
			return
		}
	}
}

// refused is a collector's answer that is not 200.
type refused struct {
	status int
	after  time.Duration // Retry-After; 0: it has none
	why    string
}

func (r *refused) Error() string {
	text := fmt.Sprintf("it answers %d %s", r.status, http.StatusText(r.status))
	if r.why != "" {
		text += ": " + r.why
	}
	return text
}

// retryable reports whether the same request may succeed later: OTLP/HTTP, "Failures".
func retryable(err error) bool {
	var r *refused
	if !errors.As(err, &r) {
		return true // there was no answer
	}
	switch r.status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// export sends a batch, again and again if that may help. While it does, the queue fills.
func (e *exporter) export(batch [][]byte) {
	body := appendRequest(nil, e.resource, e.to.Version, batch)
	n := uint64(len(batch))
	begun, wait := time.Now(), e.patience.retry
	for {
		lost, why, err := e.send(body)
		switch {
		case err == nil:
			lost = min(lost, n)
			e.rejected.Add(lost)
			e.sent.Add(n - lost)
			if lost > 0 {
				e.complain(lost, fmt.Errorf("it has rejected them: %s", printable(why)))
			}
			return
		case !retryable(err), e.end.Err() != nil, time.Since(begun) >= e.patience.retries:
			e.failed.Add(n)
			e.complain(n, err)
			return
		}
		pause := wait/2 + time.Duration(rand.Int64N(int64(wait/2)+1))
		var r *refused
		if errors.As(err, &r) && r.after > 0 {
			pause = min(r.after, e.patience.retries)
		}
		wait = min(2*wait, mostRetry)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-e.end.Done(): // one more attempt
			timer.Stop()
		}
	}
}

// send sends a request. lost is how many of its spans the collector has not taken, and why.
func (e *exporter) send(body []byte) (lost uint64, why string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), sendTimeout)
	defer cancel()
	stop := context.AfterFunc(e.end, func() { time.AfterFunc(flushTime, cancel) })
	defer stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.to.URL, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	r.Header.Set("User-Agent", "phpsapi/"+e.to.Version)
	for _, line := range e.to.Headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	answer, err := e.client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, mostResponse))
	if answer.StatusCode/100 != 2 {
		return 0, "", &refused{answer.StatusCode, retryAfter(answer.Header.Get("Retry-After")), answerText(answer.Header.Get("Content-Type"), text)}
	}
	if err != nil {
		return 0, "", nil // it has taken them, whatever it had to say
	}
	n, why := rejected(text)
	return uint64(n), why, nil
}

// retryAfter reads a Retry-After: seconds, or a time.
func retryAfter(text string) time.Duration {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 {
		return time.Duration(min(n, math.MaxInt32)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}

// answerText returns what an answer of text says, or a Status in protobuf, whose message is field 2.
func answerText(kind string, text []byte) (said string) {
	if strings.HasPrefix(kind, "text/") || strings.HasPrefix(kind, "application/json") {
		return printable(string(text))
	}
	if kind == "application/x-protobuf" {
		const statusMessage = 2
		eachField(text, func(field int, _ uint64, value []byte) {
			if field == statusMessage {
				said = printable(string(value))
			}
		})
	}
	return said
}

// printable is a text of somebody else's in one short line.
func printable(text string) string {
	const most = 200
	text = text[:min(len(text), most)]
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '.'
		}
		return r
	}, strings.TrimSpace(text))
}

// complain logs that spans are lost, once in a while.
func (e *exporter) complain(n uint64, why error) {
	if now := time.Now(); e.saidAt.IsZero() || now.Sub(e.saidAt) >= complainedOf {
		e.saidAt = now
		e.log("[observer] the collector at %s has not taken %s: %v; see phpsapi_traces_spans_total", e.to.URL, control.Many(n, "span"), why)
	}
}

// finish ends the export: what is in the queue, and rest, is sent yet, if that does not take long.
func (e *exporter) finish(rest [][]byte) {
	e.mu.Lock()
	e.ended = true
	e.queue = append(e.queue, rest...)
	e.room.Broadcast()
	e.mu.Unlock()
	e.ending()
	timer := time.NewTimer(flushTime)
	defer timer.Stop()
	select {
	case <-e.flushed:
	case <-timer.C:
		if n := e.length(); n > 0 {
			e.failed.Add(uint64(n))
			e.complain(uint64(n), errors.New("there was no time left at the end"))
		}
	}
}
