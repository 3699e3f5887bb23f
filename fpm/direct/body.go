package direct

// ReadBody fills p with the next bytes of the request's body. All of it was read before PHP began.
func (c *Conn) ReadBody(p []byte) int {
	n := copy(p, c.body)
	c.body = c.body[n:]
	return n
}

// EndResponse ends the response while the script continues (fastcgi_finish_request). The front gets the connection.
func (c *Conn) EndResponse() (closed bool) {
	if c.End() {
		c.HandOver()
	} else {
		c.Close()
	}
	return true
}
