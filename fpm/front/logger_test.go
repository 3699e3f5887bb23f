package front

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/test/wait"
)

// Lines wait for the master as long as it takes some; what is lost because it takes none is counted, and said.
func TestNoLineOfTheLogIsLostWithoutAWord(t *testing.T) {
	t.Parallel()
	ours, file, err := channel.New()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	theirs := openChannel(t, file)
	l := &logger{control: ours, patience: 10 * time.Millisecond}
	const lines = 2000
	line := strings.Repeat("x", 1000)
	for i := range lines { // nobody takes them
		l.log(zlog.Notice, "%d %s", i, line)
	}
	lost := l.lost.Load()
	if lost == 0 || lost == lines {
		t.Fatalf("%d lines were lost", lost)
	}
	l.patience = patience
	var mu sync.Mutex
	var got []string
	count := func(part string) (n int) {
		mu.Lock()
		defer mu.Unlock()
		for _, text := range got {
			if strings.Contains(text, part) {
				n++
			}
		}
		return n
	}
	go theirs.Read(channel.AnyDescriptor, func(m channel.Message) {
		if m.Letter == contract.Log {
			mu.Lock()
			got = append(got, m.Text)
			mu.Unlock()
		}
	})
	wait.Until(t, "the first lines", func() bool { return count(line) == lines-int(lost) })
	l.log(zlog.Notice, "after")
	want := fmt.Sprintf("%d lines of the HTTP front were lost", lost)
	wait.Until(t, want, func() bool { return count(want) == 1 && count("after") == 1 })
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for range lines {
				l.log(zlog.Notice, "now")
			}
		})
	}
	writers.Wait()
	wait.Until(t, "all lines of all who write", func() bool { return count("now") == 4*lines })
}
