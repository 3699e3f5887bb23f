package sapi

import (
	"strconv"
	"strings"
)

// Atoi returns the number text begins with, as C's atol reads it: 0 if there is none, the nearest that can be where it is
// too large. It is how PHP's SAPIs read numbers from the command line and the environment.
func Atoi(text string) int {
	text = strings.TrimLeft(text, " \t\n\v\f\r")
	end := 0
	for end < len(text) && (text[end] >= '0' && text[end] <= '9' || end == 0 && (text[end] == '-' || text[end] == '+')) {
		end++
	}
	n, _ := strconv.Atoi(text[:end]) // with an error of range it is the nearest, else 0
	return n
}
