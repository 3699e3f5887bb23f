package master

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/settings"
)

// certificatesInterval is how often certificates are looked at.
const certificatesInterval = 5 * time.Second

// certificates are the files of certificates and keys, as they were read.
type certificates struct {
	pairs []settings.Pair
	read  []contract.Certificate
	seen  []stamp // of all files, when they were read or last found wrong
}

// stamp tells a file from another, or from an earlier state of itself.
type stamp struct {
	inode    uint64
	size     int64
	modified time.Time
}

// readCertificates reads and checks certificates with their keys.
func readCertificates(pairs []settings.Pair) (*certificates, error) {
	c := &certificates{pairs: pairs, seen: stamps(pairs)}
	for _, p := range pairs {
		read, err := readPair(p)
		if err != nil {
			return nil, err
		}
		c.read = append(c.read, read)
	}
	return c, nil
}

func readPair(p settings.Pair) (c contract.Certificate, err error) {
	c.Name = p.Certificate
	if c.Cert, err = os.ReadFile(p.Certificate); err != nil {
		return c, fmt.Errorf("http.tls.certificate: %w", err)
	}
	if c.Key, err = os.ReadFile(p.Key); err != nil {
		return c, fmt.Errorf("http.tls.key: %w", err)
	}
	if _, err = tls.X509KeyPair(c.Cert, c.Key); err != nil {
		return c, fmt.Errorf("http.tls.certificate: the certificate %s and the key %s: %w", p.Certificate, p.Key, err)
	}
	return c, nil
}

// stamps looks at all files; one that is not there has an empty stamp.
func stamps(pairs []settings.Pair) []stamp {
	all := make([]stamp, 0, 2*len(pairs))
	for _, p := range pairs {
		for _, name := range []string{p.Certificate, p.Key} {
			var s stamp
			if info, err := os.Stat(name); err == nil {
				s = stamp{info.Sys().(*syscall.Stat_t).Ino, info.Size(), info.ModTime()}
			}
			all = append(all, s)
		}
	}
	return all
}

// refresh reads the files again if one has changed. Those that cannot be used are looked at again when they change
// once more; the ones that were read stay.
func (c *certificates) refresh() (changed bool, err error) {
	now := stamps(c.pairs)
	if equalStamps(now, c.seen) {
		return false, nil
	}
	c.seen = now
	fresh, err := readCertificates(c.pairs)
	if err != nil {
		return false, err
	}
	same := true
	for i, p := range fresh.read {
		same = same && bytes.Equal(p.Cert, c.read[i].Cert) && bytes.Equal(p.Key, c.read[i].Key)
	}
	c.read = fresh.read
	return !same, nil
}

func equalStamps(a, b []stamp) bool {
	for i := range a {
		if a[i].inode != b[i].inode || a[i].size != b[i].size || !a[i].modified.Equal(b[i].modified) {
			return false
		}
	}
	return len(a) == len(b)
}

// checkCertificates looks at the files of certificates, beside the loop: their file system may not answer.
func (m *Master) checkCertificates() {
	for _, g := range m.generations() {
		if !g.plan.wanted() || g.retiring || g.plan.looking {
			continue
		}
		g.plan.looking = true
		c := *g.plan.certificates
		go func() {
			changed, err := c.refresh()
			m.box.post(certificatesSeen{g, &c, changed, err})
		}()
	}
}

// certificatesSeen is the end of a look at certificates.
type certificatesSeen struct {
	g       *generation
	c       *certificates
	changed bool
	err     error
}

// happen passes certificates that have changed to the front that has them.
func (e certificatesSeen) happen(m *Master) {
	g := e.g
	g.plan.looking, g.plan.certificates = false, e.c
	switch {
	case e.err != nil:
		m.log.certificatesNotRead(e.err)
	case e.changed && g.front != nil: // who says that it has them
		if err := g.front.sendCertificates(e.c.read); err != nil {
			m.log.certificatesNotSent(err)
		}
	}
}

func (f *front) sendCertificates(all []contract.Certificate) error {
	file, err := inMemory("certificates", func(w *os.File) error { return json.NewEncoder(w).Encode(all) })
	if err != nil {
		return err
	}
	defer file.Close()
	return f.control.Send(contract.Certificates, "", int(file.Fd()))
}

// inMemory is a file in memory with what write writes, from its beginning.
func inMemory(name string, write func(*os.File) error) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), name)
	if err = write(file); err == nil {
		_, err = file.Seek(0, 0)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}
