package startup

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/lifecycle/zygote"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// withoutScripts are the settings of a PHP that is only to be asked: it preloads nothing.
const withoutScripts = "\nopcache.enable=0\nopcache.preload=\nffi.preload=\n"

// Question is a PHP that is to be asked: started for that, and ended again. AskConstants and AskPlaces make one.
type Question struct {
	Engine    engines.Choice
	Launch    zygote.Config
	ForPlaces bool // from AskPlaces
}

// AskConstants returns the question for an engine's constants. launch is what starts it as workers will have it.
func AskConstants(engine engines.Choice, launch zygote.Config) Question {
	launch.Module.INI.Entries += withoutScripts
	return Question{Engine: engine, Launch: launch}
}

// AskPlaces returns the question where an engine looks for php.ini. PHP reads none to answer it.
func AskPlaces(engine engines.Choice, launch zygote.Config) Question {
	ini := &launch.Module.INI
	ini.Path, ini.Search, ini.Ignore, ini.Entries = "", false, true, ""
	return Question{Engine: engine, Launch: launch, ForPlaces: true}
}

// Answer is PHP's answer: the values of its constants by their names, or why there are none.
type Answer struct {
	Known map[string]string
	Err   error
}

// Ask waits for PHP's answer, for no longer than patience. constants starts a PHP, asks it for its constants and ends it, as zygote.Constants does.
func (q Question) Ask(patience time.Duration, constants func(context.Context, zygote.Config) (map[string]string, error)) Answer {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	said := Hear(&q.Launch)
	known, err := constants(ctx, q.Launch)
	if messages := said(); err != nil {
		err = NotStarted(q.Engine.Refusal(err))
		if len(messages) > 0 { // nobody else shows them
			first, _, _ := strings.Cut(messages[len(messages)-1], "\n")
			err = fmt.Errorf("%w: %s", err, first)
		}
	}
	return Answer{known, err}
}

// LookUp returns the function for conf.Options.Loaded in a process that must not wait for PHP. The function returns what PHP has answered. If a is nil,
// PHP was not asked yet: the function then returns nothing and sets unknown.
func (a *Answer) LookUp(unknown *bool) func() (map[string]string, error) {
	return func() (map[string]string, error) {
		if a == nil {
			*unknown = true
			return nil, nil
		}
		return a.Known, a.Err
	}
}
