package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// idlers are clients' connections. They are bare descriptors: this process is to hold many of them.
type idlers struct{ fds []int }

// perAddress is how many connections come from one address, which has some 28,000 ports.
const perAddress = 10_000

// connect makes n more connections to a port of this machine, from as many of its addresses as they need.
func (all *idlers) connect(port, n int) error {
	for range n {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		all.fds = append(all.fds, fd)
		patience := unix.Timeval{Sec: int64(crowdPatience.Seconds())}
		if err := errors.Join(
			unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1),
			unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience),
			unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, byte(2 + len(all.fds)/perAddress)}}),
			unix.Connect(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: port}),
		); err != nil {
			return fmt.Errorf("connection %d: %w", len(all.fds), err)
		}
	}
	return nil
}

// ask has every connection ask for the note, 16 of them at a time.
func (all *idlers) ask() error {
	return all.each(func(fd int, answer []byte) error {
		status, err := askOn(fd, "/"+noteFile, answer)
		if err == nil && status != 200 {
			err = fmt.Errorf("status %d", status)
		}
		return err
	})
}

// each does something with all connections, with 16 of them at a time. It returns the last error, and how many there were.
func (all *idlers) each(do func(fd int, answer []byte) error) error {
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		last   error
		errors int
	)
	const atOnce = 16
	for part := range atOnce {
		wg.Go(func() {
			answer := make([]byte, 4096)
			for i := part; i < len(all.fds); i += atOnce {
				if err := do(all.fds[i], answer); err != nil {
					mu.Lock()
					last = fmt.Errorf("connection %d: %w", i+1, err)
					errors++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if errors > 0 {
		return fmt.Errorf("%d of %d failed, the last is %w", errors, len(all.fds), last)
	}
	return nil
}

// rushed is what became of requests that all connections have made at once.
type rushed struct {
	answered int           // with status 200
	refused  int           // with another status
	cut      int           // not answered
	lasted   time.Duration // from the first request to the last answer
}

// rush has every connection send a request before the first answer is read.
func (all *idlers) rush(path string) (r rushed) {
	began := time.Now()
	for _, fd := range all.fds {
		sendOn(fd, path) // an error is the answer's, too
	}
	var mu sync.Mutex
	all.each(func(fd int, answer []byte) error {
		status, err := receiveOn(fd, answer)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err != nil:
			r.cut++
		case status != 200:
			r.refused++
		default:
			r.answered++
		}
		return err
	})
	r.lasted = time.Since(began)
	return r
}

// prune closes the connections that the server has closed, and returns how many stay.
func (all *idlers) prune() int {
	all.fds = slices.DeleteFunc(all.fds, func(fd int) bool {
		var one [1]byte
		n, _, err := unix.Recvfrom(fd, one[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		ended := err == nil && n == 0 || err != nil && err != unix.EAGAIN
		if ended {
			unix.Close(fd)
		}
		return ended
	})
	return len(all.fds)
}

// askOn makes a request on a connection and returns the status of the answer.
func askOn(fd int, path string, answer []byte) (status int, err error) {
	if err := sendOn(fd, path); err != nil {
		return 0, err
	}
	return receiveOn(fd, answer)
}

func sendOn(fd int, path string) error {
	_, err := unix.Write(fd, []byte("GET "+path+" HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"))
	return err
}

// receiveOn takes an answer, which tells its length and fits into the buffer.
func receiveOn(fd int, answer []byte) (status int, err error) {
	for n := 0; ; {
		m, err := unix.Read(fd, answer[n:])
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return 0, err
		case m == 0:
			return 0, fmt.Errorf("closed after %q", answer[:n])
		}
		n += m
		head, body, ended := bytes.Cut(answer[:n], []byte("\r\n\r\n"))
		if !ended {
			continue
		}
		status, length, err := parseAnswer(head)
		if err != nil || len(body) >= length {
			return status, err
		}
	}
}

// parseAnswer returns the status and the length that the head of an answer tells.
func parseAnswer(head []byte) (status, length int, err error) {
	line, fields, _ := bytes.Cut(head, []byte("\r\n"))
	if _, err := fmt.Sscanf(string(line), "HTTP/1.1 %d ", &status); err != nil {
		return 0, 0, fmt.Errorf("an answer begins with %q", line)
	}
	for field := range bytes.SplitSeq(fields, []byte("\r\n")) {
		if name, value, _ := bytes.Cut(field, []byte(":")); bytes.EqualFold(name, []byte("Content-Length")) {
			length, err = strconv.Atoi(string(bytes.TrimSpace(value)))
			return status, length, err
		}
	}
	return 0, 0, fmt.Errorf("an answer without Content-Length: %q", head)
}

func (all *idlers) close() {
	for _, fd := range all.fds {
		unix.Close(fd)
	}
}
