package front

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/front/upstream"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// logPatience is how long a line may wait for the master.
const logPatience = 2 * time.Second

// logger sends lines to the master, for the error log. Where the socket is full the one who logs waits, and so does the
// worker whose message it is: a script that says much is as fast as the log, and others take turns with it. A master that
// takes nothing for logPatience holds nobody up then: lines are dropped, counted, and their number is logged when it takes
// lines again.
type logger struct {
	control  *channel.Channel
	patience time.Duration // logPatience, but for tests
	lost     atomic.Int64
	record   sync.Mutex // a record is being sent
}

func (l *logger) log(level zlog.Level, format string, args ...any) {
	l.send(contract.Log, line(level, fmt.Sprintf(format, args...)), 1)
}

// logLines sends many lines in few messages, which wake the master less often.
func (l *logger) logLines(lines []upstream.Line) {
	text, n := "", int64(0)
	for _, one := range lines {
		if one.Record != nil {
			l.logRecord(one.Record)
			continue
		}
		next := line(one.Level, strings.ReplaceAll(one.Text, "\n", " "))
		if n > 0 && len(text)+len(next) >= contract.MaxMessage-1 {
			l.send(contract.Lines, text, n)
			text, n = "", 0
		}
		if n > 0 {
			text += "\n"
		}
		text, n = text+next, n+1
	}
	if n > 0 {
		l.send(contract.Lines, text, n)
	}
}

// logRecord sends a record. Its parts stay together, and none is sent if one before it was lost.
func (l *logger) logRecord(r *contract.Record) {
	l.record.Lock()
	defer l.record.Unlock()
	whole := true
	r.Send(func(letter byte, text string) {
		switch {
		case whole:
			whole = l.send(letter, text, 0)
		case letter == contract.RecordIs: // ends what came of it
			l.send(letter, "", 0)
		}
	})
	if !whole {
		l.lost.Add(1)
	}
}

func line(level zlog.Level, text string) string { return string('0'+rune(level)) + text }

// send sends a message of n lines. It returns false if they are lost.
func (l *logger) send(letter byte, text string, n int64) bool {
	patience := l.patience
	if l.lost.Load() > 0 {
		patience = 0
	}
	if l.control.SendWithin(letter, text, -1, patience) != nil {
		l.lost.Add(n)
		return false
	}
	if letter == contract.RecordPart {
		return true
	}
	if lost := l.lost.Swap(0); lost > 0 {
		text := line(zlog.Error, fmt.Sprintf("%d lines of the HTTP front were lost: the master did not take them in time", lost))
		if l.control.SendWithin(contract.Log, text, -1, 0) != nil {
			l.lost.Add(lost)
		}
	}
	return true
}
