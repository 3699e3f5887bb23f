package control

import (
	"context"
	"io"
	"net"
)

// DashboardRequest is what the dashboard asks for, on a connection that the master has given to its process. The master takes no other commands from
// there than MayShow and MayOrder name, and orders only with the token.
type DashboardRequest struct {
	Request
	Token  string `json:"token,omitempty"`  // that the browser has sent
	Client string `json:"client,omitempty"` // the browser's address, by the word of the dashboard's process
}

// MayShow reports whether the dashboard may ask for that without a token.
func (c Command) MayShow() bool { return c == LastIncidents || c == SlowRequests }

// MayOrder reports whether the dashboard may order that with the token.
func (c Command) MayOrder() bool {
	switch c {
	case Kill, Reload, Scale, Pause, Resume, MakeProfile:
		return true
	}
	return false
}

// Plain returns the request with only those fields that the dashboard may set for its command: a reload does not wait for old generations, for
// example. A profile is kept within LongestShownProfile and ShownRate.
func (r *DashboardRequest) Plain() Request {
	plain := Request{Command: r.Command}
	switch r.Command {
	case LastIncidents, SlowRequests:
		plain.Count = r.Count
	case Kill:
		plain.Pid, plain.Accepted, plain.Now = r.Pid, r.Accepted, r.Now
	case Scale:
		plain.Pool, plain.Count = r.Pool, r.Count
	case Pause, Resume:
		plain.Pool = r.Pool
	case MakeProfile:
		plain.Pool, plain.Count, plain.Rate = r.Pool, min(r.Count, LongestShownProfile), min(r.Rate, ShownRate)
	}
	return plain
}

// Bounds of what the dashboard may ask, in bytes. MaxDashboardRequest has room for a token and a pool's name as long as that, in which JSON takes up to six
// bytes for one.
const (
	MaxToken            = 1 << 10
	MaxDashboardRequest = 16 << 10
)

// ReadDashboardRequest reads a DashboardRequest from the dashboard's process, which is not trusted. It reads no more than MaxDashboardRequest bytes.
func ReadDashboardRequest(r io.Reader) (request DashboardRequest, err error) {
	err = readLine(r, MaxDashboardRequest, &request)
	return request, err
}

// Over returns a Client of a connection that the master has given away. It owns the connection.
func Over(conn *net.UnixConn) *Client { return &Client{conn: conn} }

// AskAsDashboard is Ask for the dashboard.
func (c *Client) AskAsDashboard(ctx context.Context, request DashboardRequest, hear func(Answer)) (Answer, error) {
	return c.ask(ctx, request, hear)
}
