package announce

import (
	"encoding/binary"
	"os"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

func TestVerdictOfADaemon(t *testing.T) {
	t.Parallel()
	quiet := zlog.New(nil)
	for name, c := range map[string]struct {
		says []uint32
		want int
	}{
		"started":                 {[]uint32{Starting, PHPStarted, Started}, exitOK},
		"failed":                  {[]uint32{Failed}, conf.ExitSoftware},
		"failed while PHP starts": {[]uint32{Starting, Failed}, conf.ExitSoftware},
		"failed afterwards":       {[]uint32{Starting, PHPStarted, Failed}, conf.ExitSoftware},
		"died":                    {nil, conf.ExitSoftware},
		"died while PHP starts":   {[]uint32{Starting}, conf.ExitSoftware},
	} {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		for _, what := range c.says {
			write.Write(binary.NativeEndian.AppendUint32(nil, what))
		}
		write.Close()
		if got := await(read, quiet); got != c.want {
			t.Errorf("%s: status %d, want %d", name, got, c.want)
		}
		read.Close()
	}
}

// A command that is interrupted must leave no daemon behind.
func TestDaemonLearnsThatNobodyWaits(t *testing.T) {
	t.Parallel()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	starter := &Starter{write}
	if err := starter.Tell(Starting); err != nil {
		t.Fatal(err)
	}
	gone := starter.Gone()
	select {
	case <-gone:
		t.Fatal("it waits still")
	case <-time.After(50 * time.Millisecond):
	}
	read.Close()
	select {
	case <-gone:
	case <-time.After(20 * time.Second):
		t.Error("nobody has told")
	}
	if starter.Tell(Started) == nil {
		t.Error("the verdict has reached somebody")
	}
}
