package handover

import "strconv"

// payload encodes the call for the child, which reads it in the same order (lifecycle/handover_child.c): what the client is, and its
// environment, texts that end in NUL after their number. No text has a NUL in it: it came as one that ends in it.
func (c *Call) payload() []byte {
	p := append(make([]byte, 0, len(c.process)+8<<10), c.process...)
	p = append(strconv.AppendInt(p, int64(len(c.Env)), 10), 0)
	for _, entry := range c.Env {
		p = append(append(p, entry...), 0)
	}
	return p
}
