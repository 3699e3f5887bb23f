// Counterpart: sapi/fpm/fpm/fpm_log.c (fpm_log_open)

package master

import (
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/logfile"
)

// openAccessLogs opens the access logs of a generation; the workers write them. The error has been logged.
func (g *generation) openAccessLogs(log lines) error {
	for _, p := range g.pools {
		if !p.conf.AccessLog.Filled() {
			continue
		}
		file, err := logfile.Open(p.conf.AccessLog.Value)
		if err != nil {
			log.accessLogNotOpened(p.conf.AccessLog.Value, err)
			return err
		}
		p.access = file
	}
	return nil
}

// reopenAccessLogs opens them again and passes them to the workers, which continue where php-fpm's are replaced. some says
// that there are any.
func (g *generation) reopenAccessLogs(log lines) (some bool, err error) {
	for _, p := range g.pools {
		if p.access == nil {
			continue
		}
		some = true
		file, err := logfile.Open(p.conf.AccessLog.Value)
		if err != nil {
			log.accessLogNotOpened(p.conf.AccessLog.Value, err)
			return some, err
		}
		p.access.Close()
		p.access = file
		for _, c := range p.children {
			if c.control == nil { // it is booked only
				continue
			}
			c.control.Send(contract.AccessLog, "", int(file.Fd()))
		}
	}
	return some, nil
}
