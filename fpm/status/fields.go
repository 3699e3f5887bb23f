package status

import (
	"strconv"
	"time"

	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// A field is a line of the page. Its value is of one of the types below, or an
// int, int64 or uint64.
type field struct {
	name  string
	value any
}

type (
	text    string                       // the configuration's and our own
	said    string                       // a request's
	uri     struct{ path, query string } // a request's
	epoch   int64
	percent float64
)

// poolFields is the pool's part of a page.
func (s *Snapshot) poolFields() []field {
	fields := []field{
		{"pool", text(s.Pool.Name)},
		{"process manager", text(s.Pool.PM)},
		{"start time", epoch(s.Pool.StartEpoch)},
		{"start since", s.since(s.Pool.StartEpoch)},
		{"accepted conn", s.Requests},
		{"listen queue", s.Pool.ListenQueue},
		{"max listen queue", s.Pool.MaxListenQueue},
		{"listen queue len", s.Pool.ListenQueueLen},
		{"idle processes", s.Idle},
		{"active processes", s.Active},
		{"total processes", s.Idle + s.Active},
		{"max active processes", s.MaxActive},
		{"max children reached", s.Pool.MaxChildrenReached},
		{"slow requests", s.Slow},
	}
	if s.showsMemoryPeak() {
		fields = append(fields, field{"memory peak", s.MemoryPeak})
	}
	return append(fields, s.workerModeFields()...)
}

// procNames are the fields of a worker.
var procNames = [...]string{
	"pid", "state", "start time", "start since", "requests", "request duration", "request method", "request uri",
	"content length", "user", "script", "last request cpu", "last request memory",
}

// procFields is a worker's part of a page, by procNames; in worker mode there is one more.
func (s *Snapshot) procFields(p *scoreboard.Proc) []field {
	values := [...]any{
		p.Pid, text(p.Stage.String()), epoch(p.StartEpoch), s.since(p.StartEpoch), p.Requests, s.duration(p),
		said(dash(p.Method)), uri{p.URI, p.Query},
		p.ContentLength, said(dash(p.User)), said(dash(p.Script)), percent(cpu(p)), memory(p),
	}
	fields := make([]field, 0, len(values)+1)
	for i, v := range values {
		fields = append(fields, field{procNames[i], v})
	}
	if s.Pool.WorkerMode.On() {
		fields = append(fields, field{growthName, p.Growth.PerRequest()})
	}
	return fields
}

// notation is how a format writes values.
type notation struct {
	text, said func([]byte, string) []byte
	quoted     bool // texts are in quotes
	dates      bool // times are for people, else seconds
}

func (n *notation) append(b []byte, value any, where *time.Location) []byte {
	switch v := value.(type) {
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case uint64:
		return strconv.AppendUint(b, v, 10)
	case percent:
		return strconv.AppendFloat(b, float64(v), 'f', 2, 64)
	case epoch:
		if n.dates {
			return appendDate(b, int64(v), where)
		}
		return strconv.AppendInt(b, int64(v), 10)
	}
	if n.quoted {
		b = append(b, '"')
	}
	switch v := value.(type) {
	case text:
		b = n.text(b, string(v))
	case said:
		b = n.said(b, string(v))
	case uri:
		if v.path == "" {
			b = append(b, '-')
		} else {
			b = n.said(b, v.path)
		}
		if v.query != "" {
			b = n.said(append(b, '?'), v.query)
		}
	default:
		panic("BUG: a field of another type")
	}
	if n.quoted {
		b = append(b, '"')
	}
	return b
}

// appendDate writes a time as %d/%b/%Y:%H:%M:%S %z.
func appendDate(b []byte, epoch int64, where *time.Location) []byte {
	if where == nil {
		where = time.Local
	}
	return time.Unix(epoch, 0).In(where).AppendFormat(b, "02/Jan/2006:15:04:05 -0700")
}
