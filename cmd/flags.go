package cmd

import (
	"errors"
	"strconv"
	"time"
)

// pidFlag is an option whose value is a pid; 0 if it is not given.
type pidFlag int

func (*pidFlag) Type() string { return "pid" }

func (p *pidFlag) String() string {
	if *p == 0 {
		return ""
	}
	return strconv.Itoa(int(*p))
}

func (p *pidFlag) Set(text string) error {
	pid, err := strconv.ParseInt(text, 10, 32)
	if err != nil || pid <= 0 {
		return errors.New("a pid is a number greater than 0")
	}
	*p = pidFlag(pid)
	return nil
}

// secondsFlag is an option whose value is a time, as in phpsapi's settings: a bare number is seconds.
type secondsFlag time.Duration

func (*secondsFlag) Type() string { return "time" }

func (s *secondsFlag) String() string {
	if *s == 0 { // pflag does not show this default
		return "0"
	}
	return time.Duration(*s).String()
}

func (s *secondsFlag) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil {
		d, err = time.ParseDuration(text + "s")
	}
	if err != nil || d < 0 {
		return errors.New("a time is a number of seconds, or such as 500ms, 90s or 1m30s")
	}
	*s = secondsFlag(d)
	return nil
}
