package channel

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// fewDescriptors is set for the test's own program, executed as a user who may have few descriptors on their way.
const fewDescriptors = "CHANNEL_TEST_FEW_DESCRIPTORS"

// A user has as many descriptors on their way in sockets as one process may have open: who sends more waits until some are taken.
func TestSendersWaitUntilDescriptorsAreTaken(t *testing.T) {
	if os.Getenv(fewDescriptors) != "" {
		sendMany(t)
		return
	}
	c := exec.Command("/proc/self/exe", "-test.run=^TestSendersWaitUntilDescriptorsAreTaken$")
	c.Env = append(os.Environ(), fewDescriptors+"=1")
	if os.Geteuid() == 0 { // whom the kernel allows any number
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65533, Gid: 65533}}
	}
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func sendMany(t *testing.T) {
	const most, many = 40, 200
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: most, Max: most}); err != nil {
		t.Fatal(err)
	}
	for name, send := range map[string]func(c *Channel, fd int, patience time.Duration) error{
		"SendWithin": func(c *Channel, fd int, patience time.Duration) error { return c.SendWithin('P', "", fd, patience) },
		"SendPacket": func(c *Channel, fd int, patience time.Duration) error {
			return SendPacket(c.FD(), []byte("P"), 10, patience, fd)
		},
	} {
		c, theirs, err := New()
		if err != nil {
			t.Fatal(err)
		}
		sent := 0
		for err == nil && sent < many {
			if err = send(c, 0, 0); err == nil {
				sent++
			}
		}
		if err != unix.ETOOMANYREFS {
			t.Errorf("%s: after %d messages that nobody reads: %v", name, sent, err)
		}
		taken := make(chan bool)
		go func() {
			for range many {
				m, err := receive(int(theirs.Fd()))
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				unix.Close(m.FD)
			}
			close(taken)
		}()
		for ; sent < many; sent++ {
			if err := send(c, 0, 10*time.Second); err != nil {
				t.Fatalf("%s: message %d: %v", name, sent+1, err)
			}
		}
		<-taken
		c.Close()
		theirs.Close()
	}
}
