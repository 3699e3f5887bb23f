package control

// Running is what Requests tells. Its JSON is what `phpsapi fpm requests --json` prints: names may be added.
type Running struct {
	Requests []RunningRequest `json:"requests"` // the longest first
}

// RunningRequest is a request that a worker has. All but the first three fields is the worker's own word. Times are in seconds.
type RunningRequest struct {
	Pid        int     `json:"pid"`
	Pool       string  `json:"pool"`
	Generation int     `json:"generation"`
	Stage      string  `json:"stage"` // as on the status page: Reading headers, Getting request information, Running, Ending, Finishing
	Duration   float64 `json:"duration"`
	QueueWait  float64 `json:"queue_wait,omitempty"` // for a worker, before that; left out if nobody knows
	Method     string  `json:"method,omitempty"`
	Host       string  `json:"host,omitempty"`
	URI        string  `json:"uri,omitempty"` // with the query
	Script     string  `json:"script,omitempty"`
	User       string  `json:"user,omitempty"` // that has logged in by HTTP
	Client     string  `json:"client,omitempty"`
	RequestID  string  `json:"request_id,omitempty"`
	TraceID    string  `json:"trace_id,omitempty"` // if requests are in traces
	SpanID     string  `json:"span_id,omitempty"`
	Accepted   int64   `json:"accepted"` // nanoseconds of CLOCK_MONOTONIC: tells the request from the worker's others
}

// Killed is how a Kill ended.
type Killed struct {
	Request RunningRequest `json:"request"`
	// How the worker has ended, in php-fpm's words; empty if it has not ended, because the request ended by itself.
	How      string `json:"how,omitempty"`
	Incident uint64 `json:"incident,omitempty"` // its number; 0: there is none
}
