// Package announce tells the programs that have started a service how it is: the program that waits for a daemon (Starter), the service
// manager by sd_notify(3) (Systemd), and anybody by the pid file (WritePID).
//
//	starter := announce.ToStarter() // nil: this process is not a daemon
//	manager := announce.NewSystemd(os.Getenv)
//	...
//	starter.Tell(announce.Started)
//	manager.Ready()
//	announce.WritePID(path, log)
//
// It knows nothing of the service but what it is told, and decides nothing. What it tells waits for nobody for long: a reader
// that does not read is left without.
package announce
