// Counterpart: sapi/fpm/fpm/zlog.h (levels)

package zlog

// A Level is a message's severity, or the least severe that is written.
type Level int

// The levels, with php-fpm's numbers.
const (
	Debug Level = 1 + iota
	Notice
	Warning
	Error
	Alert
)

// The bounds of log_limit.
const (
	DefaultLimit = 1024
	MinLimit     = 512
)

// String returns the level as lines show it.
func (l Level) String() string {
	switch l {
	case Debug:
		return "DEBUG"
	case Notice:
		return "NOTICE"
	case Warning:
		return "WARNING"
	case Error:
		return "ERROR"
	case Alert:
		return "ALERT"
	}
	return "unknown value"
}
