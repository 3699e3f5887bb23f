// Counterpart: sapi/fpm/fpm/fpm_systemd.c; sd_notify(3)

package announce

import (
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Systemd tells the service manager about the service, if there is one that asked for it.
type Systemd struct {
	socket   string
	watchdog bool
	interval time.Duration
	requests uint64        // the last time
	begun    bool          // it was told that the service is ready
	reloads  bool          // it was told that the service reloads, and not yet that it is ready again
	failed   string        // the last reload, for this reason; empty: it did not fail
	starting chan struct{} // a goroutine tells that we live until this is closed; nil: none does
}

// NewSystemd returns a Systemd for the service manager that the environment names.
func NewSystemd(getenv func(string) string) Systemd { return Systemd{socket: getenv("NOTIFY_SOCKET")} }

// Configure sets whether there is a watchdog, and how often Heartbeat is called.
func (s *Systemd) Configure(watchdog bool, interval time.Duration) {
	s.watchdog, s.interval = watchdog, interval
}

// Interval returns how often Heartbeat is called; 0: never.
func (s *Systemd) Interval() time.Duration { return s.interval }

// Listens reports whether there is a service manager that asked to be told.
func (s *Systemd) Listens() bool { return s.socket != "" }

// notifyPatience is how long the service manager may take to take a state.
const notifyPatience = 100 * time.Millisecond

// notify sends a state. It is not a failure where nobody asked.
func (s *Systemd) notify(state string) error {
	if s.socket == "" {
		return nil
	}
	name := s.socket
	if name[0] == '@' {
		name = "\x00" + name[1:]
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetWriteDeadline(time.Now().Add(notifyPatience))
	_, err = conn.Write([]byte(state))
	return err
}

// Ready says that the service is ready, and closes a reload.
func (s *Systemd) Ready() error {
	s.begun, s.reloads, s.failed = true, false, ""
	return s.notify(fmt.Sprintf("READY=1\nSTATUS=Ready to handle connections\nMAINPID=%d", os.Getpid()))
}

// Reloading opens a reload, which Ready or ReloadFailed closes. A service that is not ready yet cannot be reloaded: its first ready
// is that of the reload.
func (s *Systemd) Reloading() {
	if !s.begun {
		return
	}
	s.reloads = true
	var now unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	s.notify(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d\nSTATUS=Reloading", now.Nano()/1000))
}

// ReloadFailed closes a reload that has failed.
func (s *Systemd) ReloadFailed(err error) {
	s.begun, s.reloads, s.failed = true, false, "Reload failed, the old configuration keeps serving: "+oneLine(err.Error())
	s.notify("READY=1\nSTATUS=" + s.failed)
}

// Stopping says that the service is about to end.
func (s *Systemd) Stopping() { s.notify("STOPPING=1\nSTATUS=Stopping") }

// aliveState is what the watchdog waits for.
const aliveState = "WATCHDOG=1\n"

// Heartbeat tells the numbers, why the last reload failed, and the watchdog that we live. While the service reloads it is the
// watchdog's alone: READY=1 would end the reload, as far as the service manager knows.
func (s *Systemd) Heartbeat(idle, active int, requests, slow uint64) {
	watchdog := ""
	if s.watchdog {
		watchdog = aliveState
	}
	if s.reloads {
		if s.watchdog {
			s.notify(watchdog)
		}
		return
	}
	rate := (float32(requests) - float32(s.requests)) * 1000 / float32(s.interval.Milliseconds())
	s.requests = requests
	status := fmt.Sprintf("Processes active: %d, idle: %d, Requests: %d, slow: %d, Traffic: %.2freq/sec", active, idle, requests, slow, rate)
	if s.failed != "" {
		status += ". " + s.failed
	}
	s.notify("READY=1\n" + watchdog + "STATUS=" + status)
}

// TakeOver makes the state that of a service that is being upgraded: the program before has said that it reloads. The start of this one
// may take longer than the watchdog waits, and is not a part of the loop. Until EnterLoop a goroutine tells that we live, for the time at most
// that the start may take. It has nothing of the master's.
func (s *Systemd) TakeOver(getenv func(string) string, most time.Duration) {
	s.begun, s.reloads = true, true
	wait, err := time.ParseDuration(getenv("WATCHDOG_USEC") + "us")
	if err != nil || wait <= 0 || s.socket == "" {
		return
	}
	s.watchdog, s.interval = true, wait/2
	s.starting = make(chan struct{})
	alive, starting := Systemd{socket: s.socket}, s.starting
	go func() {
		end := time.After(most)
		for {
			alive.notify(aliveState)
			select {
			case <-time.After(wait / 2):
			case <-end:
				return
			case <-starting:
				return
			}
		}
	}()
}

// EnterLoop notes that the loop tells from now on that the service lives. It reports whether the loop has to.
func (s *Systemd) EnterLoop() bool {
	if s.starting == nil {
		return false
	}
	close(s.starting)
	s.starting = nil
	return true
}

func oneLine(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c < ' ' {
			b[i] = ' '
		}
	}
	return string(b)
}
