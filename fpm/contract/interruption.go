package contract

import (
	"strconv"
	"strings"
	"time"
)

// Interruption is what a worker tells of a request that it has interrupted. The message has all of it: when the master reads it, the
// scoreboard may show the next request.
type Interruption struct {
	Why                        string // InterruptedForTime or InterruptedForClient
	After                      time.Duration
	Method, URI, Query, Script string
}

// longestField is how much of a field is told, in bytes; as much as the scoreboard has of a query.
const longestField = 511

// Text returns the text of the message.
func (i *Interruption) Text() string {
	var b strings.Builder
	b.WriteString(i.Why + " " + strconv.FormatInt(int64(i.After), 10))
	for _, field := range []string{i.Method, i.URI, i.Query, i.Script} {
		b.WriteByte(0)
		b.WriteString(strings.ReplaceAll(field[:min(len(field), longestField)], "\x00", "."))
	}
	return b.String()
}

// ParseInterruption returns the Interruption whose Text is text. ok is false if there is none. The text is the worker's word, and so are the fields.
func ParseInterruption(text string) (i Interruption, ok bool) {
	fields := strings.Split(text, "\x00")
	if len(fields) != 5 {
		return i, false
	}
	why, after, _ := strings.Cut(fields[0], " ")
	n, err := strconv.ParseInt(after, 10, 64)
	if err != nil || n < 0 || why != InterruptedForTime && why != InterruptedForClient {
		return i, false
	}
	return Interruption{why, time.Duration(n), fields[1], fields[2], fields[3], fields[4]}, true
}
