// Package timezone makes Go's local time the local time of the C library, so that the program's log lines agree with php-fpm's.
// Go knows only the time zones that have a file. The variable TZ may also have POSIX's form, such as JST-9, <+0530>-5:30 or
// CET-1CEST,M3.5.0,M10.5.0/3, which Go takes for UTC. See tzset(3).
package timezone

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Adopt is for the start of the program: it sets time.Local if TZ has POSIX's form. It must be called before other goroutines use
// local times.
func Adopt() {
	// Each such TZ has a digit, and hardly a name has.
	if tz := os.Getenv("TZ"); strings.ContainsAny(tz, "0123456789") {
		time.Local = named(tz)
	}
}

// Change is for after a change of the variable TZ: it sets time.Local to the new value, whatever its form. No other goroutine may use
// local times meanwhile.
func Change() {
	tz, set := os.LookupEnv("TZ")
	if !set {
		tz = "/etc/localtime"
	}
	time.Local = named(tz)
}

// named returns the time zone of a value of TZ. One that is not known is UTC.
func named(tz string) *time.Location {
	tz = strings.TrimPrefix(tz, ":")
	switch {
	case tz == "":
		return time.UTC
	case filepath.IsAbs(tz):
		if data, err := os.ReadFile(tz); err == nil {
			if zone, err := time.LoadLocationFromTZData("Local", data); err == nil {
				return zone
			}
		}
		return time.UTC
	}
	if zone, err := time.LoadLocation(tz); err == nil {
		return zone
	}
	return posix(tz)
}

// posix returns the time zone of a TZ of POSIX's form. Go reads that form at the end of a time zone's file: this is
// such a file, with UTC since ever, for a TZ that cannot be read.
func posix(tz string) *time.Location {
	var data []byte
	for version := range 2 {
		data = append(data, "TZif2"...)
		data = append(data, make([]byte, 15)...)
		for _, count := range []uint32{0, 0, 0, uint32(version), 1, 4} { // transitions: one, in the part that counts; types; characters
			data = binary.BigEndian.AppendUint32(data, count)
		}
		if version == 1 {
			data = binary.BigEndian.AppendUint64(data, math.MaxInt64+1) // the first moment
			data = append(data, 0)                                      // has type 0
		}
		data = append(data, 0, 0, 0, 0, 0, 0) // no seconds east, no summer time, the name at 0
		data = append(data, "UTC\x00"...)
	}
	data = append(data, "\n"+tz+"\n"...)
	zone, err := time.LoadLocationFromTZData("Local", data)
	if err != nil {
		return time.UTC
	}
	return zone
}
