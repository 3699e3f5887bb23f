package master

import "github.com/phpsapi/phpsapi/fpm/companion"

// checkCertificates looks at the files of certificates, beside the loop: their file system may not answer.
func (m *Master) checkCertificates() {
	for _, g := range m.generations() {
		if !g.plan.HasFront() || g.retiring || g.plan.Looking {
			continue
		}
		g.plan.Looking = true
		c := *g.plan.Certificates
		go func() {
			changed, err := c.Refresh()
			m.box.post(certificatesSeen{g, &c, changed, err})
		}()
	}
}

// certificatesSeen is the end of a look at certificates.
type certificatesSeen struct {
	g       *generation
	c       *companion.Certificates
	changed bool
	err     error
}

// happen passes certificates that have changed to the front that has them.
func (e certificatesSeen) happen(m *Master) {
	g := e.g
	g.plan.Looking, g.plan.Certificates = false, e.c
	switch {
	case e.err != nil:
		m.log.certificatesNotRead(e.err)
	case e.changed && g.http.runs(): // the front says that it has them
		if err := g.http.front.SendCertificates(e.c.Read()); err != nil {
			m.log.certificatesNotSent(err)
		}
	}
}
