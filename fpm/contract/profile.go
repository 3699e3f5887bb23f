package contract

import (
	"strconv"
	"strings"
	"time"
)

// MostSamples is how many samples a worker takes in a second at most.
const MostSamples = 1000

// ProfileOrder returns the text of Profile: how many samples are to be taken in a second, and until when, on the scoreboard's clock.
func ProfileOrder(rate int, until int64) string {
	return strconv.Itoa(rate) + " " + strconv.FormatInt(until/int64(time.Millisecond), 36)
}

// ParseProfile reads what ProfileOrder has written.
func ParseProfile(text string) (rate int, until int64, ok bool) {
	first, second, _ := strings.Cut(text, " ")
	rate, err := strconv.Atoi(first)
	ms, wrong := strconv.ParseInt(second, 36, 64)
	return rate, ms * int64(time.Millisecond), err == nil && wrong == nil && rate > 0 && rate <= MostSamples
}
