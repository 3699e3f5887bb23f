package engines

import (
	"fmt"
	"strings"
)

// Option is the option that names an engine. php, php-cgi and php-fpm have none of that name. It comes before all other
// arguments, so that it is never taken for an argument of a script.
const Option = "--engine"

// TakeOption takes --engine VALUE or --engine=VALUE from the beginning of the arguments. The error is
// ErrNoValue.
func TakeOption(args []string) (value string, rest []string, err error) {
	for len(args) > 0 {
		given, joined := strings.CutPrefix(args[0], Option+"=")
		switch {
		case joined:
			args = args[1:]
		case args[0] != Option:
			return value, args, nil
		case len(args) == 1:
			return "", nil, ErrNoValue
		default:
			given, args = args[1], args[2:]
		}
		if given == "" {
			return "", nil, ErrNoValue
		}
		value = given // the last one counts
	}
	return value, args, nil
}

// ErrNoValue says that --engine has no value.
var ErrNoValue = fmt.Errorf("%s needs a version such as 8.4, or the path of a libphp", Option)
