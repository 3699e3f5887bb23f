// Counterpart: Zend/zend_constants.c (zend_get_constant), as far as ini files need it

package ini

import (
	_ "embed"
	"strconv"
	"strings"

	"github.com/phpsapi/phpsapi/sapi"
)

// constants has a line NAME=value per constant of PHP 8.2's built-in
// extensions, sorted by name; values with odd bytes are Go string literals.
// It has no versions: they are those of the libphp that runs, and of the
// libraries that it uses.
//
//go:embed constants.txt
var constants string

// Constant is an Env.Constant for texts that are read without PHP: it knows the
// constants of PHP 8.2's built-in extensions and true, false and null. It does
// not know those of extensions that php.ini loads, nor versions: see
// VersionConstant for PHP's own, and MayBeLoaded.
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

// since84 are the constants that have other values in PHP 8.4 and later.
var since84 = map[string]string{
	"E_ALL": "30719", "PASSWORD_BCRYPT_DEFAULT_COST": "12", "PHP_DEBUG": "", "PHP_ZTS": "",
}

// VersionConstant is Constant and the constants that follow from a version of
// PHP such as "8.2.36": PHP_VERSION, E_ALL and so on. version is asked for one
// of those only.
func VersionConstant(version func() string) func(name string) (string, bool) {
	return func(name string) (string, bool) {
		switch name {
		case "PHP_VERSION", "PHP_MAJOR_VERSION", "PHP_MINOR_VERSION", "PHP_RELEASE_VERSION", "PHP_EXTRA_VERSION", "PHP_VERSION_ID":
			return versionConstant(name, version()), true
		}
		if value, ok := since84[name]; ok && sapi.ParsePHPVersion(version()).AtLeast(8, 4) {
			return value, true
		}
		switch name {
		case "PHP_DATADIR", "PHP_EXTENSION_DIR", "PEAR_EXTENSION_DIR", "ZLIB_VERNUM":
			if sapi.ParsePHPVersion(version()).AtLeast(8, 3) {
				return "", false // of another Debian
			}
		}
		return Constant(name)
	}
}

func versionConstant(name, version string) string {
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
	switch name {
	case "PHP_VERSION":
		return version
	case "PHP_MAJOR_VERSION":
		return number[0]
	case "PHP_MINOR_VERSION":
		return number[1]
	case "PHP_RELEASE_VERSION":
		return number[2]
	case "PHP_EXTRA_VERSION":
		return rest
	}
	return strconv.Itoa(int(Atoi(number[0]))*10000 + int(Atoi(number[1]))*100 + int(Atoi(number[2])))
}

// MayBeLoaded reports whether a word that Constant does not know may be a
// constant nevertheless: it is in capitals, but for the v of a version
// (CURL_SSLVERSION_TLSv1_2), and none of the words in capitals that settings
// are often given.
func MayBeLoaded(word string) bool {
	switch word {
	case "C", "POSIX", "UTC", "GMT", "UTF8": // locales, time zones, a charset
		return false
	}
	orders := true // variables_order, request_order
	for i := range len(word) {
		c := word[i]
		version := c == 'v' && i > 0 && i+1 < len(word) && digit(word[i+1])
		if c != '_' && !digit(c) && (c < 'A' || c > 'Z') && !version {
			return false
		}
		orders = orders && strings.IndexByte("EGPCS", c) >= 0
	}
	return !orders
}
