package operate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/profile"
)

// Profiling is a profile that is to be made.
type Profiling struct {
	Pool   string // empty: of all
	Length time.Duration
	Rate   int // samples a second of each worker
	Filter profile.Filter
	Format string // svg, folded or pprof; empty: what the file's name says, or svg
	File   string // empty: Operator.Out
}

// Formats are the formats of profiles.
var Formats = []string{"svg", "folded", "pprof"}

// FormatOf returns the format that the name of a file says; empty: none.
func FormatOf(file string) string {
	switch {
	case strings.HasSuffix(file, ".svg"):
		return "svg"
	case strings.HasSuffix(file, ".folded"), strings.HasSuffix(file, ".txt"):
		return "folded"
	case strings.HasSuffix(file, ".pb.gz"), strings.HasSuffix(file, ".pprof"):
		return "pprof"
	}
	return ""
}

// profileGrace is how long a master may take for the end of a profile.
const profileGrace = 15 * time.Second

// Profile makes a profile of the requests of a pool and writes it to a file. SIGINT ends it before its time. It returns the exit status.
func (o *Operator) Profile(p Profiling) int { return o.end("profile", o.profile(&p)) }

func (o *Operator) profile(p *Profiling) error {
	m, err := o.reach()
	if err != nil {
		return err
	}
	defer m.client.Close()
	out, err := o.profileOutput(p)
	if err != nil {
		return failed(exitFailed, "%v", err)
	}
	defer out.discard()
	made := profile.Profile{Filter: p.Filter, Began: time.Now(), Rate: p.Rate}
	var end *control.Profile
	stop, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	ctx, cancelTime := context.WithTimeout(stop, p.Length+profileGrace)
	defer cancelTime()
	hear := func(a control.Answer) {
		for i := range a.Samples {
			s := &a.Samples[i]
			made.Add(s.Pid, s.Generation, s.Pool, s.Lines)
		}
	}
	a, err := m.client.Ask(ctx, control.Request{Command: control.MakeProfile, Pool: p.Pool, Count: int(p.Length / time.Second), Rate: p.Rate}, hear)
	made.Length = min(time.Since(made.Began), p.Length)
	switch {
	case errors.Is(stop.Err(), context.Canceled):
		fmt.Fprintf(o.Err, "ended after %v\n", made.Length.Round(time.Second))
	case errors.Is(err, context.DeadlineExceeded):
		return failed(exitFailed, "%s has not ended the profile in time; see its error log", m)
	case errors.Is(err, control.ErrEnded):
		return failed(exitUnavailable, "%s has just ended", m)
	case err != nil:
		return err
	default:
		if err := refusal(m, a); err != nil {
			return err
		}
		if end = a.Profile; end == nil {
			return notUnderstood(m, "a profile")
		}
	}
	made.Title = p.title(m.String())
	if made.Total == 0 {
		return failed(exitFailed, "%s", nothing(p, end))
	}
	if err := out.write(&made, p.format()); err != nil {
		return failed(exitFailed, "%v", err)
	}
	o.outcome.Profile = p.made(&made, end)
	fmt.Fprintln(o.Err, plain(said(p, &made, end)))
	return nil
}

func (p *Profiling) format() string {
	if p.Format != "" {
		return p.Format
	}
	if f := FormatOf(p.File); f != "" {
		return f
	}
	return "svg"
}

// made tells programs of a profile that was written.
func (p *Profiling) made(made *profile.Profile, end *control.Profile) *Profile {
	is := &Profile{File: p.File, Format: p.format(), Samples: made.Total, Dropped: made.Dropped}
	if end != nil {
		is.Workers, is.Lost = end.Workers, end.Dropped
	}
	return is
}

// title is what a profile is called.
func (p *Profiling) title(master string) string {
	what := "all pools"
	if p.Pool != "" {
		what = "pool " + p.Pool
	}
	if p.Filter.Site != "" {
		what += ", site " + p.Filter.Site
	}
	if p.Filter.URL != "" {
		what += ", URLs " + p.Filter.URL + "…"
	}
	return "PHP in " + what + " of " + master
}

// nothing says that there is nothing in a profile, and why.
func nothing(p *Profiling, end *control.Profile) string {
	text := "no request was seen"
	if p.Filter != (profile.Filter{}) {
		text += " that the options admit"
	}
	if end != nil && end.Unheard > 0 {
		text += fmt.Sprintf("; workers that had the same request before and after: %d; with request_slowlog_timeout such requests are seen, too", end.Unheard)
	}
	return text
}

// said says what a profile has.
func said(p *Profiling, made *profile.Profile, end *control.Profile) string {
	text := control.Many(made.Total, "sample")
	if end != nil {
		text += " of " + control.Many(end.Workers, "worker")
	}
	if made.Dropped > 0 {
		text += fmt.Sprintf(", %d dropped", made.Dropped)
	}
	if end != nil && end.Dropped > 0 {
		text += ", " + control.Many(end.Dropped, "byte") + " lost"
	}
	if p.File != "" {
		text += ": " + p.File
	}
	return text
}

// output is where a profile goes: a file that takes its name when it is whole, or a stream.
type output struct {
	to   io.Writer
	file *os.File // nil: a stream
	name string
}

// profileOutput finds out beforehand whether the file can be written.
func (o *Operator) profileOutput(p *Profiling) (*output, error) {
	if p.File == "" {
		return &output{to: o.Out}, nil
	}
	if info, err := os.Stat(p.File); err == nil && !info.Mode().IsRegular() { // a pipe, /dev/stdout
		f, err := os.OpenFile(p.File, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		return &output{to: f}, nil
	}
	f, err := os.CreateTemp(filepath.Dir(p.File), "."+filepath.Base(p.File)+".*")
	if err != nil {
		return nil, err
	}
	f.Chmod(0o644)
	return &output{to: f, file: f, name: p.File}, nil
}

func (w *output) write(p *profile.Profile, format string) (err error) {
	var text bytes.Buffer
	switch format {
	case "folded":
		err = p.WriteFolded(&text)
	case "pprof":
		err = p.WritePprof(&text)
	default:
		err = p.WriteFlame(&text)
	}
	if err == nil {
		_, err = w.to.Write(text.Bytes())
	}
	if err == nil && w.file != nil {
		if err = w.file.Close(); err == nil {
			err = os.Rename(w.file.Name(), w.name)
		}
	}
	return err
}

// discard removes what was not written as a whole.
func (w *output) discard() {
	if w.file != nil {
		w.file.Close()
		os.Remove(w.file.Name())
	}
}
