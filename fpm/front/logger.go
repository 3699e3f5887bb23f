package front

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/contract"
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
}

func (l *logger) log(level zlog.Level, format string, args ...any) {
	patience := l.patience
	if l.lost.Load() > 0 {
		patience = 0
	}
	if l.send(level, fmt.Sprintf(format, args...), patience) != nil {
		l.lost.Add(1)
		return
	}
	if n := l.lost.Swap(0); n > 0 {
		if l.send(zlog.Error, fmt.Sprintf("%d lines of the HTTP front were lost: the master did not take them in time", n), 0) != nil {
			l.lost.Add(n)
		}
	}
}

func (l *logger) send(level zlog.Level, text string, patience time.Duration) error {
	return l.control.SendWithin(contract.Log, string('0'+rune(level))+text, patience)
}
