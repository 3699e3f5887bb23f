package master

import (
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// places knows where PHPs have php.ini that are not the distribution's. Only such a PHP can tell, and the master never has PHP in
// it: one is started for the question and ended again.
type places struct {
	known map[string]sapi.Places // by libraries
	// ask asks an engine; nil: it may not be waited for, and is noted.
	ask  func(engines.Choice) constants
	lack *engines.Choice
}

// newPlaces returns places that ask nobody.
func newPlaces() *places { return &places{known: map[string]sapi.Places{}} }

// askedPlaces returns places for a process that may wait.
func (o *Options) askedPlaces(s system) *places {
	p := newPlaces()
	p.ask = func(engine engines.Choice) constants { return s.ask(o.placesQuestion(engine)) }
	return p
}

// placesQuestion is what starts a PHP that reads no php.ini.
func (o *Options) placesQuestion(engine engines.Choice) question {
	q := question{engine: engine, launch: o.launch(nil, engine), places: true}
	ini := &q.launch.Module.INI
	ini.Path, ini.Search, ini.Ignore, ini.Entries = "", false, true, ""
	return q
}

// of returns an engine's places; zero if they are the distribution's or not known.
func (p *places) of(engine engines.Choice) sapi.Places {
	if p == nil || engine.Library == "" || engine.IsDistributions() {
		return sapi.Places{}
	}
	at, known := p.known[engine.Library]
	switch {
	case known:
	case p.ask == nil:
		p.lack = &engine
	default:
		p.learn(engine, p.ask(engine))
		at = p.known[engine.Library]
	}
	return at
}

// learn takes an engine's answer. If it has none, its starter says why.
func (p *places) learn(engine engines.Choice, answer constants) {
	p.known[engine.Library] = sapi.Places{Dir: answer.known["PHP_CONFIG_FILE_PATH"], ScanDir: answer.known["PHP_CONFIG_FILE_SCAN_DIR"]}
	p.lack = nil
}

// lacking returns an engine that must be asked; nil: none.
func (p *places) lacking() *engines.Choice {
	if p == nil {
		return nil
	}
	return p.lack
}
