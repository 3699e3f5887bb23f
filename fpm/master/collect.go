package master

import (
	"strings"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// lineCollector records the warnings and errors logged during an operation, so that the operator that asked for it sees them.
type lineCollector struct{ lines []string }

// maxCollected bounds them.
const maxCollected = 50

func (c *lineCollector) add(lines ...string) {
	for _, line := range lines {
		if len(c.lines) < maxCollected {
			c.lines = append(c.lines, strings.TrimRight(line, "\n"))
		}
	}
}

// Write takes what is not logged.
func (c *lineCollector) Write(text []byte) (int, error) {
	c.add(string(text))
	return len(text), nil
}

func (c *lineCollector) begin(log *zlog.Log) {
	log.Configure(func(s *zlog.Settings) {
		s.External = func(level zlog.Level, message string) bool {
			if level >= zlog.Warning {
				c.add(level.String() + ": " + message)
			}
			return false
		}
	})
}

func (c *lineCollector) end(log *zlog.Log) {
	log.Configure(func(s *zlog.Settings) { s.External = nil })
}
