package sapi

import (
	"fmt"
	"strings"
)

// PHPVersion is a version of PHP as PHP_VERSION_ID tells it: 80421 for 8.4.21. The programs of two versions differ in
// what docs/VERSIONS.md lists; code that does such a thing asks AtLeast of the version of the engine that is used.
type PHPVersion int

// ParsePHPVersion returns the version of a PHP_VERSION such as "8.4.21", "8.5.0RC1" or "8.4". Numbers that are missing are 0.
func ParsePHPVersion(text string) PHPVersion {
	major, rest, _ := strings.Cut(text, ".")
	minor, release, _ := strings.Cut(rest, ".")
	return PHPVersion(Atoi(major)*10000 + Atoi(minor)*100 + Atoi(release))
}

// AtLeast reports whether v is of the release series major.minor or of a later one.
func (v PHPVersion) AtLeast(major, minor int) bool {
	return int(v) >= major*10000+minor*100
}

// Minor returns the release series, such as "8.4", by which Debian names its packages and directories.
func (v PHPVersion) Minor() string {
	return fmt.Sprintf("%d.%d", v/10000, v/100%100)
}

// String returns the version with its patch level, such as "8.4.21".
func (v PHPVersion) String() string {
	return fmt.Sprintf("%d.%d.%d", v/10000, v/100%100, v%100)
}
