package zlog

import "strings"

// SeverityOf returns how a message of PHP's is logged, by the words that php_error_cb puts first. What a script says by error_log is
// a notice, as are notices and deprecations.
func SeverityOf(message string) Level {
	kind, ok := strings.CutPrefix(message, "PHP ")
	if !ok {
		return Notice
	}
	kind, _, _ = strings.Cut(kind, ":")
	switch kind {
	case "Fatal error", "Recoverable fatal error", "Parse error":
		return Error
	case "Warning":
		return Warning
	}
	return Notice
}
