package site

import "time"

// How the kernel finds out that a client is gone which says nothing: when it has been silent for KeepAliveIdle it is asked every
// KeepAliveInterval, and given up after KeepAliveCount questions without an answer. It is found out after 150 s, as with net's own 15 s, 15 s
// and 9; but a connection that waits for a request is closed by the default of http.limits.idle_timeout before it is asked at all, where 50,000
// of them would be asked 3,300 times a second.
const (
	KeepAliveIdle     = 90 * time.Second
	KeepAliveInterval = 10 * time.Second
	KeepAliveCount    = 6
)
