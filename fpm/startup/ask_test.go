package startup

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/lifecycle/zygote"
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// launch is what workers' PHP would be started with.
var launch = zygote.Config{Module: sapi.Module{INI: sapi.INI{Path: "/etc/php.ini", Search: true, Entries: "memory_limit=1G"}}}

func TestAPHPThatIsAskedRunsNoScripts(t *testing.T) {
	q := AskConstants(engines.Choice{Library: "/x/libphp.so"}, launch)
	if ini := q.Launch.Module.INI; q.ForPlaces || ini.Path != "/etc/php.ini" || !strings.HasPrefix(ini.Entries, "memory_limit=1G\n") ||
		!strings.Contains(ini.Entries, "\nopcache.preload=\n") {
		t.Errorf("for constants: %+v", ini)
	}
	q = AskPlaces(engines.Choice{Library: "/x/libphp.so"}, launch)
	if ini := q.Launch.Module.INI; !q.ForPlaces || ini.Path != "" || ini.Search || !ini.Ignore || ini.Entries != "" {
		t.Errorf("for places: %+v", ini)
	}
	if launch.Module.INI.Entries != "memory_limit=1G" {
		t.Error("the question has changed what workers are started with")
	}
}

func TestPHPsAnswer(t *testing.T) {
	q := AskConstants(engines.Choice{Library: "/x/libphp.so"}, launch)
	a := q.Ask(time.Minute, func(_ context.Context, c zygote.Config) (map[string]string, error) {
		fmt.Fprintln(c.Stderr, missing)
		return map[string]string{"E_ALL": "32767"}, nil
	})
	if a.Err != nil || a.Known["E_ALL"] != "32767" {
		t.Errorf("got %+v", a)
	}
	a = q.Ask(time.Minute, func(_ context.Context, c zygote.Config) (map[string]string, error) {
		fmt.Fprintf(c.Stderr, "%s\n%s\n", misspelt, missing)
		return nil, errors.New("it has ended")
	})
	if a.Known != nil || a.Err == nil || a.Err.Error() != "PHP could not be started: /x/libphp.so: it has ended: "+missing {
		t.Errorf("of one that does not start: %v", a.Err)
	}
	a = q.Ask(10*time.Millisecond, func(ctx context.Context, _ zygote.Config) (map[string]string, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	if !errors.Is(a.Err, context.DeadlineExceeded) {
		t.Errorf("of one that hangs: %v", a.Err)
	}
}

func TestAnAnswerThatIsNotThereIsUnknown(t *testing.T) {
	unknown := false
	known, err := (&Answer{Known: map[string]string{"A": "1"}}).LookUp(&unknown)()
	if unknown || err != nil || known["A"] != "1" {
		t.Errorf("got %v, %v, unknown %v", known, err, unknown)
	}
	why := errors.New("no")
	if _, err = (&Answer{Err: why}).LookUp(&unknown)(); unknown || err != why {
		t.Errorf("got %v, unknown %v", err, unknown)
	}
	look := (*Answer)(nil).LookUp(&unknown)
	if unknown {
		t.Error("it is unknown before anything is looked up")
	}
	if known, err = look(); !unknown || known != nil || err != nil {
		t.Errorf("got %v, %v, unknown %v", known, err, unknown)
	}
}

func TestPlacesAreAskedForOnce(t *testing.T) {
	debian := engines.Choice{Library: engines.OfProgram}
	own, other := engines.Choice{Library: "/x/libphp.so"}, engines.Choice{Library: "/y/libphp.so"}
	asked := 0
	p := NewPlaces(func(e engines.Choice) Answer {
		asked++
		if e.Library == other.Library {
			return Answer{Err: errors.New("no")}
		}
		return Answer{Known: map[string]string{"PHP_CONFIG_FILE_PATH": "/x", "PHP_CONFIG_FILE_SCAN_DIR": "/x/conf.d"}}
	})
	for range 2 {
		if at := p.Of(own); at != (sapi.Places{Dir: "/x", ScanDir: "/x/conf.d"}) {
			t.Errorf("got %+v", at)
		}
		if at := p.Of(other); at != (sapi.Places{}) {
			t.Errorf("of one that does not say: %+v", at)
		}
		if at := p.Of(debian); at != (sapi.Places{}) {
			t.Errorf("of the distribution's: %+v", at)
		}
	}
	if asked != 2 || p.Lacking() != nil {
		t.Errorf("asked %d times, want once each of two", asked)
	}
}

// A reload must not wait: what it needs to know is noted, and asked beside the loop.
func TestPlacesThatMayNotBeWaitedForAreNoted(t *testing.T) {
	own := engines.Choice{Library: "/x/libphp.so"}
	p := NewPlaces(nil)
	if at := p.Of(own); at != (sapi.Places{}) || p.Lacking() == nil || p.Lacking().Library != own.Library {
		t.Fatalf("got %+v, and %v is lacking", at, p.Lacking())
	}
	p.Learn(own, Answer{Known: map[string]string{"PHP_CONFIG_FILE_PATH": "/x"}})
	if at := p.Of(own); at.Dir != "/x" || p.Lacking() != nil {
		t.Errorf("got %+v, and %v is lacking", at, p.Lacking())
	}
	var none *Places
	if none.Of(own) != (sapi.Places{}) || none.Lacking() != nil {
		t.Error("no places know something")
	}
}
