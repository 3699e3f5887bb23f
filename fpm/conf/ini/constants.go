// Counterpart: Zend/zend_constants.c (zend_get_constant), as far as ini files need it

package ini

import (
	_ "embed"
	"strconv"
	"strings"
)

// constants has a line NAME=value per constant of PHP 8.2's built-in
// extensions, sorted by name; values with odd bytes are Go string literals.
// Versions and paths are left out: they are the running libphp's.
//
//go:embed constants.txt
var constants string

// Constant is an Env.Constant for texts that are read without a PHP engine at
// hand: the constants of PHP 8.2's built-in extensions and true, false and null.
// Constants of extensions that php.ini loads are not known, nor are those
// that tell versions; see VersionConstant for PHP's own.
func Constant(name string) (string, bool) {
	switch strings.ToLower(name) {
	case "true":
		return "1", true
	case "false", "null":
		return "", true
	}
	key := name + "="
	i := 0
	if !strings.HasPrefix(constants, key) {
		if i = strings.Index(constants, "\n"+key); i < 0 {
			return "", false
		}
		i++
	}
	value, _, _ := strings.Cut(constants[i+len(key):], "\n")
	if strings.HasPrefix(value, `"`) {
		if s, err := strconv.Unquote(value); err == nil {
			return s, true
		}
	}
	return value, true
}

// VersionConstant is Constant and the constants that follow from a version of
// PHP such as "8.2.36": PHP_VERSION, PHP_VERSION_ID and so on.
func VersionConstant(version string) func(name string) (string, bool) {
	number := [3]string{"0", "0", "0"}
	rest := version
	for i := range number {
		n := 0
		for n < len(rest) && digit(rest[n]) {
			n++
		}
		if n > 0 {
			number[i] = rest[:n]
		}
		rest = strings.TrimPrefix(rest[n:], ".")
	}
	id := int(Atoi(number[0]))*10000 + int(Atoi(number[1]))*100 + int(Atoi(number[2]))
	return func(name string) (string, bool) {
		switch name {
		case "PHP_VERSION":
			return version, true
		case "PHP_MAJOR_VERSION":
			return number[0], true
		case "PHP_MINOR_VERSION":
			return number[1], true
		case "PHP_RELEASE_VERSION":
			return number[2], true
		case "PHP_EXTRA_VERSION":
			return rest, true
		case "PHP_VERSION_ID":
			return strconv.Itoa(id), true
		}
		return Constant(name)
	}
}
