package companion

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/settings"
)

// Certificates are the files of certificates and keys, as they were read.
type Certificates struct {
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

// ReadCertificates reads and checks certificates with their keys.
func ReadCertificates(pairs []settings.Pair) (*Certificates, error) {
	c := &Certificates{pairs: pairs, seen: stamps(pairs)}
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

// Read returns what was read.
func (c *Certificates) Read() []contract.Certificate { return c.read }

// Refresh reads the files again if one has changed. Those that cannot be used are looked at again when they change
// once more; the ones that were read stay. It waits for the file system.
func (c *Certificates) Refresh() (changed bool, err error) {
	now := stamps(c.pairs)
	if equalStamps(now, c.seen) {
		return false, nil
	}
	c.seen = now
	fresh, err := ReadCertificates(c.pairs)
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

// SendCertificates sends a front certificates that have changed.
func (f *Front) SendCertificates(all []contract.Certificate) error {
	file, err := channel.InMemory("certificates", func(w *os.File) error { return json.NewEncoder(w).Encode(all) })
	if err != nil {
		return err
	}
	defer file.Close()
	return f.Control.Send(contract.Certificates, "", int(file.Fd()))
}
