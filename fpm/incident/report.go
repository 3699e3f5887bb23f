package incident

import (
	"strconv"
	"strings"
)

// Report is what a worker has left behind of its end: lifecycle/boot_crash.c writes it. All of it is the worker's word.
type Report struct {
	Signal  int // 0: none was told
	Address string
	Sender  int
	Exited  bool // by C's exit
	PHP, C  []string
}

// Bounds of a report, in frames.
const (
	maxPHP = 50
	maxC   = 40
)

// ParseReport reads a report. Lines that are none are left out.
func ParseReport(text string) (r Report) {
	for line := range strings.Lines(text) {
		line, whole := strings.CutSuffix(line, "\n")
		letter, rest, _ := strings.Cut(line, " ")
		switch {
		case !whole: // its process died while it wrote, or there was no more room
		case letter == "S" && r.Signal == 0:
			r.signal(strings.Fields(rest))
		case letter == "E":
			r.Exited = true
		case letter == "P" && len(r.PHP) < maxPHP:
			r.PHP = append(r.PHP, clean(rest, maxFrame))
		case letter == "C" && len(r.C) < maxC:
			r.C = append(r.C, clean(rest, maxFrame))
		}
	}
	return r
}

func (r *Report) signal(fields []string) {
	if len(fields) != 4 {
		return
	}
	number, err := strconv.ParseUint(fields[0], 10, 8)
	address, err2 := strconv.ParseUint(fields[2], 0, 64)
	sender, err3 := strconv.ParseUint(fields[3], 10, 31)
	code, err4 := strconv.Atoi(fields[1])
	if err != nil || err2 != nil || err3 != nil || err4 != nil {
		return
	}
	r.Signal, r.Sender = int(number), int(sender)
	if code > 0 { // the kernel's, of a fault
		r.Address = "0x" + strconv.FormatUint(address, 16)
	}
}
