package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
)

// A Sample is what one run took, in the units of the quantities.
type Sample [quantities]float64

// A Quantity is what is measured.
type Quantity int

const (
	CPU        Quantity = iota // user and system time, in milliseconds
	Memory                     // the peak, in megabytes
	RequestCPU                 // user and system time of all of a server's processes, by request, in microseconds
	DoorCPU                    // of those among them that talk HTTP
	Rate                       // requests a second
	P50                        // of the requests' times, in milliseconds
	P99
	PacedP50 // of the times of requests that come at a steady rate
	PacedP99
	Faults // page faults of all of a server's processes, by request
	quantities
)

func (q Quantity) String() string {
	return [quantities]string{"CPU", "memory", "CPU", "CPU", "rate", "p50", "p99", "p50, paced", "p99, paced", "page faults"}[q]
}

// Unit is the quantity's unit.
func (q Quantity) Unit() string {
	return [quantities]string{"ms", "MB", "µs", "µs", "requests/s", "ms", "ms", "ms", "ms", ""}[q]
}

// A Case is one command line, run by stock PHP and by phpsapi.
type Case struct {
	Name   string
	Stock  []string // the program and its arguments
	Ours   []string
	Every  int // runs only once where others run so many times; 0 for always
	Limits []Limit
}

// A Limit is what phpsapi may take of a quantity, compared with stock, or what it must reach. One of the three is given.
type Limit struct {
	Of    Quantity
	Ratio float64 // at most so many times stock's
	More  float64 // at most so much more than stock's
	Least float64 // at least so many times stock's
}

// String shows the limit after the words "at most".
func (l Limit) String() string {
	switch {
	case l.Ratio != 0:
		return fmt.Sprintf("%.2f", l.Ratio)
	case l.Least != 0:
		return fmt.Sprintf("at least %.2f", l.Least)
	}
	return fmt.Sprintf("%+.1f %s", l.More, l.Of.Unit())
}

// measure runs the programs in turn, and each first as often as the other. The
// first pair only warms the caches.
func (c Case) measure(runs int) (stock, ours []Sample, err error) {
	runs = max(runs/max(c.Every, 1), 3)
	for i := -1; i < runs; i++ {
		sides := []struct {
			command []string
			samples *[]Sample
		}{{c.Stock, &stock}, {c.Ours, &ours}}
		if i%2 != 0 {
			slices.Reverse(sides)
		}
		for _, side := range sides {
			sample, err := run(side.command)
			if err != nil {
				return nil, nil, err
			}
			if i >= 0 {
				*side.samples = append(*side.samples, sample)
			}
		}
	}
	return stock, ours, nil
}

// run runs a program to its end. Its output goes nowhere, as from a user who
// does not look.
func run(command []string) (Sample, error) {
	cmd := exec.Command(command[0], command[1:]...)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		return Sample{}, fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, strings.TrimSpace(said.String()))
	}
	state := cmd.ProcessState
	usage := state.SysUsage().(*syscall.Rusage)
	return Sample{
		CPU:    float64((state.UserTime() + state.SystemTime()).Microseconds()) / 1e3,
		Memory: float64(usage.Maxrss) / 1024, // Linux: in kilobytes
	}, nil
}

// median is the middle of the samples' values of one quantity.
func median(samples []Sample, of Quantity) float64 {
	values := sorted(samples, of)
	n := len(values)
	if n == 0 {
		return 0
	}
	return (values[(n-1)/2] + values[n/2]) / 2
}

// extremes are the least and the most of one quantity. There is a sample.
func extremes(samples []Sample, of Quantity) (least, most float64) {
	values := sorted(samples, of)
	return values[0], values[len(values)-1]
}

func sorted(samples []Sample, of Quantity) []float64 {
	var values []float64
	for _, s := range samples {
		values = append(values, s[of])
	}
	slices.Sort(values)
	return values
}
