package front

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/phpsapi/phpsapi/fpm/contract"
)

// certificates are what TLS listeners show. They may be replaced at any time: connections that begin afterwards get the
// new ones.
type certificates struct {
	current atomic.Pointer[[]tls.Certificate]
}

var errNoCertificate = errors.New("there is no certificate")

// set replaces the certificates; on an error those there are stay.
func (c *certificates) set(given []contract.Certificate) error {
	made := make([]tls.Certificate, 0, len(given))
	for _, one := range given {
		pair, err := tls.X509KeyPair(one.Cert, one.Key)
		if err != nil {
			return fmt.Errorf("certificate %s: %w", one.Name, err)
		}
		made = append(made, pair)
	}
	if len(made) == 0 {
		return errNoCertificate
	}
	c.current.Store(&made)
	return nil
}

// replace reads new certificates from the file of a Certificates message.
func (c *certificates) replace(r io.Reader) error {
	var given []contract.Certificate
	if err := json.NewDecoder(r).Decode(&given); err != nil {
		return fmt.Errorf("the new certificates: %w", err)
	}
	return c.set(given)
}

// choose is the certificate for a client: the first that its server name and its algorithms go with, else the first.
func (c *certificates) choose(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	current := c.current.Load()
	if current == nil {
		return nil, errNoCertificate
	}
	for i := range *current {
		if hello.SupportsCertificate(&(*current)[i]) == nil {
			return &(*current)[i], nil
		}
	}
	return &(*current)[0], nil
}
