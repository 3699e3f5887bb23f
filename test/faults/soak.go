package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
)

// soak is what became of a service during a long load.
type soak struct {
	tally
	lasting time.Duration
	reloads int
	samples []sample
	err     error
}

// sample is what a service has at one moment of a soak.
type sample struct {
	at                     time.Duration // since its beginning
	requests               int
	master, front, all     int // memory in KiB: private, private, and all processes' proportional
	processes, descriptors int
}

const (
	soakClients = 8
	// soakPeriod is how often a service is looked at and reloaded.
	soakPeriod = time.Minute
	// rested is how long after a reload the old generation's processes are gone.
	rested = 10 * time.Second
	// soakRoom is what the memory of a process may be more at the end, in KiB: Go's runtime keeps some before it gives it back.
	soakRoom = 2 << 10
)

// soak keeps a load on a service, looks at it once in a period, and reloads it after that.
func (n *runner) soak(lasting time.Duration) (k soak) {
	k.lasting = lasting
	s, err := n.serving(settings{alone: "soak"})
	defer n.stop()
	if err != nil {
		k.err = err
		return k
	}
	before := s.quiet()
	period := min(soakPeriod, lasting/4) // growth is told from four samples
	l := s.begin(0, soakClients)
	began := time.Now()
	for end := began.Add(lasting); k.err == nil && s.Ended() == "" && time.Now().Before(end); {
		time.Sleep(min(period, time.Until(end)))
		if time.Since(began) < rested {
			continue
		}
		k.samples = append(k.samples, s.sample(time.Since(began), l))
		k.reloads++
		k.err = errors.Join(s.configure(k.reloads), s.reload())
		l.current.Store(int64(k.reloads))
	}
	var left error
	k.tally, left = l.finish()
	if how := s.Ended(); how != "" {
		k.err = errors.Join(k.err, fmt.Errorf("the service has ended: %s", how))
	} else {
		k.err = errors.Join(k.err, s.settle(before))
	}
	k.err = errors.Join(k.err, k.tally.err(allowed{retried: true}), left, growth(k.samples))
	if k.err != nil {
		k.err = fmt.Errorf("%w\n%s", k.err, n.keep())
	}
	return k
}

// sample looks at a service under its load.
func (s *service) sample(at time.Duration, l *load) sample {
	now := sample{at: at, requests: int(l.number.Load())}
	tree := s.Tree()
	now.processes, now.master = len(tree), serve.Private(s.Pid())
	for _, pid := range tree {
		now.all += serve.Proportional(pid)
		now.descriptors += serve.Descriptors(pid)
	}
	for _, pid := range s.front() {
		now.front += serve.Private(pid)
	}
	return now
}

// growth returns an error if a service has more at the end of a soak than at its beginning: the least of the last third beside the most of
// the first, so that what comes and goes is not growth. The very first sample counts only if there are few.
func growth(all []sample) (err error) {
	if len(all) > 6 {
		all = all[1:]
	}
	third := len(all) / 3
	if third == 0 {
		return errors.New("growth cannot be told: the soak was too short")
	}
	for _, of := range []struct {
		what string
		room int
		get  func(sample) int
	}{
		{"KiB of the master's memory", soakRoom, func(s sample) int { return s.master }},
		{"KiB of the front's memory", soakRoom, func(s sample) int { return s.front }},
		{"KiB of all processes' memory", 2 * soakRoom, func(s sample) int { return s.all }},
		{"processes", 0, func(s sample) int { return s.processes }},
		{"descriptors", 0, func(s sample) int { return s.descriptors }},
	} {
		var first, last []int
		for _, s := range all[:third] {
			first = append(first, of.get(s))
		}
		for _, s := range all[len(all)-third:] {
			last = append(last, of.get(s))
		}
		if least, most := slices.Min(last), slices.Max(first); least > most+of.room {
			err = errors.Join(err, fmt.Errorf("%s have grown from %d at most to %d at least", of.what, most, least))
		}
	}
	return err
}

func (k soak) summary() string {
	var b strings.Builder
	for _, s := range k.samples {
		fmt.Fprintf(&b, "  %8v: %d requests; the master %d KiB, the front %d, all %d; %d processes, %d descriptors\n", s.at.Round(time.Second), s.requests,
			s.master, s.front, s.all, s.processes, s.descriptors)
	}
	fmt.Fprintf(&b, "soak: %v, %d reloads; %d requests, %d failed, %d stale, %d asked again, the slowest took %v", k.lasting, k.reloads, k.sent, len(k.failed),
		k.stale, k.retried, k.slowest.Round(time.Millisecond))
	if k.err != nil {
		b.WriteString("\n    FAILED: " + strings.ReplaceAll(k.err.Error(), "\n", "\n    "))
	}
	return b.String()
}

// longLoad keeps phpsapi under load for a long time. php-fpm loses requests at each reload, as the page of faults shows.
func (o options) longLoad(ours program, bad *int) *soak {
	if o.soak == 0 {
		return nil
	}
	n := &runner{program: ours, random: o.source(), answers: map[string]string{}}
	k := n.soak(o.soak)
	fmt.Println(k.summary())
	if k.err != nil {
		*bad++
	}
	return &k
}

// write writes the samples as a part of the page.
func (k soak) write(b *strings.Builder) {
	fmt.Fprintf(b, "\n## A long load\n\n%d clients ask for %v, and the service is reloaded once in %v: %d times. Of %d requests %s failed, %s had an old generation's "+
		"answer, %d were asked again; the slowest took %v.\n", soakClients, k.lasting, min(soakPeriod, k.lasting/4), k.reloads, k.sent, bold(len(k.failed)), bold(k.stale), k.retried,
		k.slowest.Round(time.Millisecond))
	if k.err != nil {
		fmt.Fprintf(b, "\n**%s**\n", line(k.err))
	}
	b.WriteString("\n| after | requests | master, private KiB | front, private KiB | all, proportional KiB | processes | descriptors |\n|---|---|---|---|---|---|---|\n")
	for _, i := range spread(len(k.samples), 12) {
		s := k.samples[i]
		fmt.Fprintf(b, "| %v | %d | %d | %d | %d | %d | %d |\n", s.at.Round(time.Second), s.requests, s.master, s.front, s.all, s.processes, s.descriptors)
	}
}

// spread returns at most most of the numbers below n: the first, the last, and some between.
func spread(n, most int) (some []int) {
	for i := range min(n, most) {
		some = append(some, i*(n-1)/max(1, min(n, most)-1))
	}
	return some
}
