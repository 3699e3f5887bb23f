package sapi

import "fmt"

// A Build is what -v tells of an engine.
type Build struct {
	Version  string // PHP_VERSION
	Built    string // when its PHP was compiled, such as "Nov  8 2026 20:02:04"
	Kind     string // such as NTS
	Provider string // who built it; empty if nobody says so
	Zend     string // a line for the engine and one for each Zend extension
}

// VersionText returns what -v prints of the program whose PHP_SAPI is name. Before 8.4 php alone tells the build's kind, and
// nobody the provider.
func (b *Build) VersionText(name string) string {
	kind, provider := "", ""
	shared := ParsePHPVersion(b.Version).AtLeast(8, 4)
	if shared || name == CLI {
		kind = " (" + b.Kind + ")"
	}
	if shared && b.Provider != "" {
		provider = "Built by " + b.Provider + "\n"
	}
	return fmt.Sprintf("PHP %s (%s) (built: %s)%s\nCopyright (c) The PHP Group\n%s%s", b.Version, name,
		b.Built, kind, provider, b.Zend)
}
