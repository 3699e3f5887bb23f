package front

import (
	"crypto/tls"
	"net"
	"net/http"
)

// newStreams returns a server that never serves. Its HTTP/2 is f.server's: net/http sends GOAWAY only if a whole server is
// shut down, and from then on a server drops requests of HTTP/1 whose heads are on their way. The Shutdown of this one tells
// the clients of HTTP/2 alone. The connections have the settings of f.multiplexed, whose MaxHeaderBytes is HTTP/2's.
func (f *Front) newStreams() *http.Server {
	s := &http.Server{Protocols: f.server.Protocols, IdleTimeout: f.server.IdleTimeout, ErrorLog: f.server.ErrorLog}
	s.Serve(noListener{})      // makes its TLSNextProto, and returns
	if s.TLSNextProto == nil { // GODEBUG=http2server=0
		return s
	}
	f.server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
	for name, serve := range s.TLSNextProto {
		f.server.TLSNextProto[name] = func(_ *http.Server, c *tls.Conn, h http.Handler) {
			if one := connOf(c); one != nil {
				one.streamed.Store(true)
			}
			serve(f.multiplexed, c, h)
		}
	}
	return s
}

// connOf returns the connection below one of net/http's; nil: it is none of ours. HTTP/2 without TLS comes in a tls.Conn, too.
func connOf(c *tls.Conn) *conn {
	below := c.NetConn()
	if plain, ok := below.(interface{ UnencryptedNetConn() net.Conn }); ok {
		below = plain.UnencryptedNetConn()
	}
	one, _ := below.(*conn)
	return one
}

// noListener has no connections.
type noListener struct{}

func (noListener) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (noListener) Close() error              { return nil }
func (noListener) Addr() net.Addr            { return &net.UnixAddr{Net: "unix"} }
