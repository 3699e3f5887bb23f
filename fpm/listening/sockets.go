package listening

import "github.com/phpsapi/phpsapi/fpm/zlog"

// Sockets are all that are open, in the order in which they were made. The zero value has none.
type Sockets struct {
	open    []*Socket
	handing *Handing // nil: no workers have spoken HTTP so far
}

// Find returns the open socket of an address; nil if there is none that clients can reach.
func (s *Sockets) Find(key string) *Socket {
	for _, k := range s.open {
		if k.key == key && !k.isGone() {
			return k
		}
	}
	return nil
}

// Keep closes all sockets that are not used.
func (s *Sockets) Keep(used func(*Socket) bool) {
	var kept []*Socket
	for _, k := range s.open {
		if used(k) {
			kept = append(kept, k)
		} else {
			k.Close()
		}
	}
	s.open = kept
}

// Handing returns the pairs by which workers and fronts give each other connections; nil if Hand was not called.
func (s *Sockets) Handing() *Handing { return s.handing }

// Hand makes these pairs, unless they are there.
func (s *Sockets) Hand() error {
	if s.handing != nil {
		return nil
	}
	h, err := NewHanding()
	if err == nil {
		s.handing = h
	}
	return err
}

// LogReused logs all sockets as php-fpm does when it has executed itself again.
func (s *Sockets) LogReused(log *zlog.Log) {
	for _, k := range s.open {
		lines{log}.socketInherited(k.fd, k.key)
	}
}

// CloseAll closes all that is open.
func (s *Sockets) CloseAll() {
	for _, k := range s.open {
		k.Close()
	}
	s.open = nil
	s.handing.Close()
	s.handing = nil
}
