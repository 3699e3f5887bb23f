package startup

import (
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// Places knows where PHPs look for php.ini that are not the distribution's: that was decided when they were compiled, so that only they can tell. A nil
// Places takes each PHP for one of the distribution's.
type Places struct {
	known map[string]sapi.Places // by libraries
	ask   func(engines.Choice) Answer
	lack  *engines.Choice
}

// NewPlaces returns Places that know none yet. Of calls ask, which starts an engine and waits for its answer to AskPlaces. If ask is nil, Of does not
// wait but notes the engine, and Lacking returns it.
func NewPlaces(ask func(engines.Choice) Answer) *Places {
	return &Places{known: map[string]sapi.Places{}, ask: ask}
}

// Of returns the directories of an engine. They are empty if the engine is the distribution's, or its directories are not known.
func (p *Places) Of(engine engines.Choice) sapi.Places {
	if p == nil || engine.Library == "" || engine.IsDistributions() {
		return sapi.Places{}
	}
	at, known := p.known[engine.Library]
	switch {
	case known:
	case p.ask == nil:
		p.lack = &engine
	default:
		p.Learn(engine, p.ask(engine))
		at = p.known[engine.Library]
	}
	return at
}

// Learn takes an engine's answer. If it has none, whatever starts the engine later says why.
func (p *Places) Learn(engine engines.Choice, answer Answer) {
	p.known[engine.Library] = sapi.Places{Dir: answer.Known["PHP_CONFIG_FILE_PATH"], ScanDir: answer.Known["PHP_CONFIG_FILE_SCAN_DIR"]}
	p.lack = nil
}

// Lacking returns an engine that must be asked; nil: none.
func (p *Places) Lacking() *engines.Choice {
	if p == nil {
		return nil
	}
	return p.lack
}
