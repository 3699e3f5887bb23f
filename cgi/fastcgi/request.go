package fastcgi

// Request is what BEGIN_REQUEST and PARAMS say. The zero value is ready, and
// one is enough for a worker's whole life: ReadRequest overwrites it.
type Request struct {
	ID       uint16
	Role     Role
	KeepConn bool   // the client will use the connection again
	Interim  bool   // the client takes heads with a 1xx status, and minds Closing
	TellRead bool   // the client wants to know that the request was read, and may take it back
	Since    uint32 // BeginRequest.Since
	Site     uint8  // BeginRequest.Site
	Params   Params
}

// rolePair is the param that stock PHP puts before those of the client, who
// may overwrite it, in wire form.
func rolePair(r Role) string {
	switch r {
	case RoleAuthorizer:
		return "\x09\x0aFCGI_ROLEAUTHORIZER"
	case RoleFilter:
		return "\x09\x06FCGI_ROLEFILTER"
	}
	return "\x09\x09FCGI_ROLERESPONDER"
}
