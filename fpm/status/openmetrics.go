package status

import (
	"slices"
	"strconv"
)

// A metric has the name, type and help of php-fpm's, OpenMetrics' rules or not.
type metric struct {
	name, kind, help string
	value            func(*Snapshot) uint64
}

var metrics = [...]metric{
	{"start_since", "counter", "The number of seconds since FPM has started.",
		func(s *Snapshot) uint64 { return uint64(s.since(s.Pool.StartEpoch)) }},
	{"accepted_connections", "counter", "The number of requests accepted by the pool.",
		func(s *Snapshot) uint64 { return s.Requests }},
	{"listen_queue", "gauge", "The number of requests in the queue of pending connections.",
		func(s *Snapshot) uint64 { return uint64(s.Pool.ListenQueue) }},
	{"max_listen_queue", "counter", "The maximum number of requests in the queue of pending connections since FPM has started.",
		func(s *Snapshot) uint64 { return uint64(s.Pool.MaxListenQueue) }},
	{"listen_queue_length", "gauge", "The size of the socket queue of pending connections.",
		func(s *Snapshot) uint64 { return uint64(s.Pool.ListenQueueLen) }},
	{"idle_processes", "gauge", "The number of idle processes.",
		func(s *Snapshot) uint64 { return uint64(s.Idle) }},
	{"active_processes", "gauge", "The number of active processes.",
		func(s *Snapshot) uint64 { return uint64(s.Active) }},
	{"total_processes", "gauge", "The number of idle + active processes.",
		func(s *Snapshot) uint64 { return uint64(s.Idle + s.Active) }},
	{"max_active_processes", "counter", "The maximum number of active processes since FPM has started.",
		func(s *Snapshot) uint64 { return uint64(s.MaxActive) }},
	{"max_children_reached", "counter", "The number of times, the process limit has been reached, when pm tries to start more children (works only for pm 'dynamic' and 'ondemand').",
		func(s *Snapshot) uint64 { return s.Pool.MaxChildrenReached }},
	{"slow_requests", "counter", "The number of requests that exceeded your 'request_slowlog_timeout' value.",
		func(s *Snapshot) uint64 { return s.Slow }},
}

var memoryPeak = metric{"memory_peak", "gauge", "The memory usage peak since FPM has started.",
	func(s *Snapshot) uint64 { return s.MemoryPeak }}

// httpMetrics are phpsapi's own, for a pool that the HTTP front has requests for.
var httpMetrics = [...]metric{
	{"http_queue", "gauge", "The number of HTTP requests that wait for a worker.",
		func(s *Snapshot) uint64 { return uint64(max(s.Pool.HTTPQueue, 0)) }},
	{"max_http_queue", "gauge", "The maximum number of HTTP requests that waited for a worker since FPM has started.",
		func(s *Snapshot) uint64 { return uint64(max(s.Pool.MaxHTTPQueue, 0)) }},
	{"http_refused", "counter", "The number of HTTP requests that were turned away because no worker was free.",
		func(s *Snapshot) uint64 { return s.Pool.HTTPRefused }},
}

// openmetrics has no workers, full or not.
func (s *Snapshot) openmetrics() []byte {
	b := []byte("# HELP phpfpm_up Could pool ")
	b = appendHelp(b, s.Pool.Name)
	b = append(b, " using a "+s.Pool.PM+" PM on PHP-FPM be reached?\n# TYPE phpfpm_up gauge\nphpfpm_up 1\n"...)
	all := slices.Clone(metrics[:])
	if s.showsMemoryPeak() {
		all = append(all, memoryPeak)
	}
	if s.Pool.HTTP {
		all = append(all, httpMetrics[:]...)
	}
	if s.Pool.WorkerMode.On() {
		all = append(all, workerModeMetrics[:]...)
	}
	for _, m := range all {
		name := "phpfpm_" + m.name
		help, kind := "# HELP "+name+" "+m.help+"\n", "# TYPE "+name+" "+m.kind+"\n"
		if m.name == "listen_queue_length" { // the one that php-fpm has the other way round
			help, kind = kind, help
		}
		b = append(b, help+kind+name+" "...)
		b = append(strconv.AppendUint(b, m.value(s), 10), '\n')
	}
	return append(s.appendRestarts(b), "# EOF\n"...)
}
