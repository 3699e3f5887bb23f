package server

import (
	"strconv"

	"github.com/phpsapi/phpsapi/sapi"
)

// StatusLine returns the first line of a response, without the line's end. protocol is the request's.
func StatusLine(protocol, status int) string {
	return "HTTP/" + Version(protocol) + " " + strconv.Itoa(status) + " " + reason(status)
}

// Version returns a protocol's number as text: 1.1 for 101.
func Version(protocol int) string {
	return strconv.Itoa(protocol/100) + "." + strconv.Itoa(protocol%100)
}

// reason is PHP's phrase for a status, or php's for one that has none.
func reason(status int) string {
	if text := sapi.StatusText(status); text != "" {
		return text
	}
	return "Unknown Status Code"
}
