package control

// Diff is what ConfigDiff tells. Its JSON is what `phpsapi fpm config diff --json` prints: names may be added.
type Diff struct {
	Config  string   `json:"configuration"`
	Changes []Change `json:"changes"`           // what a reload would change
	Added   []string `json:"added,omitempty"`   // pools that it would add
	Removed []string `json:"removed,omitempty"` // pools that it would end
	Notes   []string `json:"notes,omitempty"`   // what could not be compared
}

// Change is a setting that a reload would change. Of secrets the values are Masked.
type Change struct {
	Section string  `json:"section"` // global, a pool's name, phpsapi, or php.ini of PHP MAJOR.MINOR
	Name    string  `json:"name"`
	Running *string `json:"running"` // nil: it is not set
	Files   *string `json:"files"`   // nil: it is not set any more
	Place   string  `json:"place,omitempty"`
}

// Masked stands for a secret.
const Masked = "(masked)"

// Logging is what LogLevel tells.
type Logging struct {
	Level      string `json:"level"`      // alert, error, warning, notice or debug
	Configured string `json:"configured"` // by php-fpm.conf; what a reload goes back to
}
