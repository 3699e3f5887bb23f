// Counterpart: fpm_status_export_to_zval

package status

// Entry is an element of a PHP array with string keys.
type Entry struct {
	Name string
	// Value is an int64, a float64, a string or, for procs, a [][]Entry: a list
	// of arrays.
	Value any
}

// Function returns what fpm_get_status() returns, in its order.
func (s *Snapshot) Function() []Entry {
	procs := make([][]Entry, 0, len(s.Procs))
	for i := range s.Procs {
		p := &s.Procs[i]
		procs = append(procs, []Entry{
			{"pid", int64(p.Pid)},
			{"state", p.Stage.String()},
			{"start-time", p.StartEpoch},
			{"start-since", s.since(p.StartEpoch)},
			{"requests", int64(p.Requests)},
			{"request-duration", s.duration(p)},
			{"request-method", dash(p.Method)},
			{"request-uri", p.URI},
			{"query-string", p.Query},
			{"request-length", int64(p.ContentLength)},
			{"user", dash(p.User)},
			{"script", dash(p.Script)},
			{"last-request-cpu", cpu(p)},
			{"last-request-memory", int64(memory(p))},
		})
		if s.Pool.WorkerMode.On() {
			procs[len(procs)-1] = append(procs[len(procs)-1], Entry{dashed(growthName), p.Growth.PerRequest()})
		}
	}
	entries := []Entry{
		{"pool", s.Pool.Name},
		{"process-manager", s.Pool.PM},
		{"start-time", s.Pool.StartEpoch},
		{"start-since", s.since(s.Pool.StartEpoch)},
		{"accepted-conn", int64(s.Requests)},
		{"listen-queue", int64(s.Pool.ListenQueue)},
		{"max-listen-queue", int64(s.Pool.MaxListenQueue)},
		{"listen-queue-len", int64(s.Pool.ListenQueueLen)},
		{"idle-processes", int64(s.Idle)},
		{"active-processes", int64(s.Active)},
		{"total-processes", int64(s.Idle + s.Active)},
		{"max-active-processes", int64(s.MaxActive)},
		{"max-children-reached", int64(s.Pool.MaxChildrenReached)},
		{"slow-requests", int64(s.Slow)},
	}
	if s.showsMemoryPeak() {
		entries = append(entries, Entry{"memory-peak", int64(s.MemoryPeak)})
	}
	for _, f := range s.workerModeFields() {
		value := f.value
		if t, is := value.(text); is {
			value = string(t)
		}
		entries = append(entries, Entry{dashed(f.name), value})
	}
	return append(entries, Entry{"procs", procs})
}
