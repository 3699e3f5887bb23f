// Package listening has the listening sockets of a service: it opens them as php-fpm.conf and phpsapi's settings ask for,
// takes those over that another program has opened, leaves them to another program, and closes them.
//
//	var sockets listening.Sockets
//	sockets.Inherit(log)                                            // of systemd, or of a php-fpm
//	o := listening.Opener{Sockets: &sockets, Log: log, Config: cfg, Options: options}
//	s, err := o.Pool(cfg.Pools[0])
//	sockets.Keep(func(s *listening.Socket) bool { return inUse[s] }) // after a reload
//	sockets.CloseAll()
//
// A Socket outlives the configuration that has asked for it: each later one that names its address gets the same socket, so
// that no client is refused while a service reloads or is upgraded. It is closed when none asks for it any more.
//
// The package never accepts a connection, and never waits for a client. It waits for DNS if an address has a host's name
// that is not among Opener.Known. Its values belong to one goroutine, the master's loop; LookUpAll may be called anywhere.
// Messages are php-fpm's, and go to the log that the caller names.
package listening
