package status

import (
	"strconv"

	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// growthName is the field of a worker in worker mode that php-fpm does not have: by how many bytes it grows with each request.
const growthName = "memory growth per request"

func (s *Snapshot) procNames() []string {
	names := procNames[:len(procNames):len(procNames)]
	if s.Pool.WorkerMode.On() {
		names = append(names, growthName)
	}
	return names
}

// workerModeFields are the fields of a pool in worker mode that php-fpm does not have.
func (s *Snapshot) workerModeFields() []field {
	w := &s.Pool.WorkerMode
	kind := field{"worker kind", text(w.Kind.String())}
	switch {
	case w.Kind == scoreboard.Ordinary:
		return nil
	case !w.On():
		return []field{kind}
	}
	fields := []field{
		kind,
		{"booting processes", int64(w.Booting)},
		{"boot time", w.BootTime.Microseconds()},
		{"boot failures", int64(w.Failures)},
	}
	for i, n := range w.Restarts {
		fields = append(fields, field{"restarts " + scoreboard.Reason(i).String(), int64(n)})
	}
	return fields
}

var workerModeMetrics = [...]metric{
	{"booting_processes", "gauge", "The number of workers whose worker script boots.",
		func(s *Snapshot) uint64 { return uint64(max(s.Pool.WorkerMode.Booting, 0)) }},
	{"boot_time_microseconds", "gauge", "How long the last worker script took to boot.",
		func(s *Snapshot) uint64 { return uint64(max(s.Pool.WorkerMode.BootTime.Microseconds(), 0)) }},
	{"boot_failures", "counter", "The number of worker scripts that did not boot.",
		func(s *Snapshot) uint64 { return s.Pool.WorkerMode.Failures }},
}

// appendRestarts appends the metric that has a label: the workers that were replaced, by reasons.
func (s *Snapshot) appendRestarts(b []byte) []byte {
	w := &s.Pool.WorkerMode
	if !w.On() {
		return b
	}
	b = append(b, "# HELP phpfpm_worker_restarts The number of workers that were replaced, by reasons.\n# TYPE phpfpm_worker_restarts counter\n"...)
	for i, n := range w.Restarts {
		b = append(b, `phpfpm_worker_restarts{reason="`+scoreboard.Reason(i).String()+`"} `...)
		b = append(strconv.AppendUint(b, n, 10), '\n')
	}
	return b
}
