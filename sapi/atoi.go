package sapi

import (
	"strconv"
	"strings"
)

// Atoi is the number text begins with, as C's atoi reads it; 0 where there is none. It is how PHP's SAPIs read
// numbers from the command line and the environment.
func Atoi(text string) int {
	text = strings.TrimLeft(text, " \t\n\v\f\r")
	end := 0
	for end < len(text) && (text[end] >= '0' && text[end] <= '9' || end == 0 && (text[end] == '-' || text[end] == '+')) {
		end++
	}
	n, err := strconv.Atoi(text[:end])
	if err != nil {
		return 0
	}
	return n
}
