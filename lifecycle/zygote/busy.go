package zygote

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
)

// busy tells a zygote that is slow from one that hangs or is stopped. It returns the processor time that the zygote and its helpers
// have spent, in the clock ticks of proc(5), and whether one of them runs, or waits for a processor or a disk. Helpers are its
// children that are not workers, such as the one that tries whether Go's runtime can be forked. It returns 0 and false if there is
// no /proc.
func (z *Zygote) busy() (spent int64, runs bool) {
	workers := map[int]bool{}
	for _, c := range z.children.children() {
		workers[c.pid] = true
	}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
		text, err := os.ReadFile(stat)
		if err != nil || workers[pid] {
			continue
		}
		if parent, _, _, ok := parseStat(text); !ok || pid != z.process.pid && parent != z.process.pid {
			continue
		}
		ticks, _ := load(text)
		spent += ticks
		threads, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/stat")
		for _, thread := range threads {
			text, _ := os.ReadFile(thread)
			_, wants := load(text)
			runs = runs || wants
		}
	}
	return spent, runs
}

// load takes from /proc/PID/stat, or a thread's, the processor time of the process and of the children that it has waited for, and
// whether it runs, or waits for a processor or a disk.
func load(text []byte) (spent int64, runs bool) {
	// state is the 3rd field, utime, stime, cutime and cstime are the 14th to the 17th.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 15 {
		return 0, false
	}
	for _, field := range fields[11:15] {
		n, _ := strconv.ParseInt(string(field), 10, 64)
		spent += n
	}
	return spent, string(fields[0]) == "R" || string(fields[0]) == "D"
}
