package master

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/settings"
)

// frontPlan is what a configuration's front needs, found out and checked before anything is opened.
type frontPlan struct {
	own          *settings.Settings
	sites        []contract.Site
	who          credentials
	certificates *certificates
}

// credentials are who a front is.
type credentials struct {
	name     string // of the user, for messages
	uid, gid int
	drop     bool // the master is root, and another
}

// wanted says whether there is to be a front.
func (f *frontPlan) wanted() bool { return f != nil && f.own != nil && f.own.Front() }

// verify is conf.Options.Verify.
func (f *frontPlan) verify(cfg *conf.Config) (err error) {
	if !f.wanted() {
		return nil
	}
	if f.sites, err = f.own.Route(cfg.Pools); err != nil {
		return err
	}
	if f.who, err = frontCredentials(f.own.User, f.own.Group); err != nil {
		return err
	}
	for _, s := range f.sites {
		if err := f.who.mayRead(s.Root); err != nil {
			return fmt.Errorf("the root %s cannot be served: %w", s.Root, err)
		}
	}
	f.certificates, err = readCertificates(f.own.Certificates)
	return err
}

// frontCredentials are those of http.user and http.group. Only root can give others than its own.
func frontCredentials(name, group string) (c credentials, err error) {
	if os.Geteuid() != 0 {
		c = credentials{uid: os.Geteuid(), gid: os.Getegid(), name: "user " + strconv.Itoa(os.Geteuid())}
		if u, err := user.LookupId(strconv.Itoa(c.uid)); err == nil {
			c.name = u.Username
		}
		return c, nil
	}
	c.drop = true
	u, err := frontUser(name)
	if err != nil {
		return c, err
	}
	c.name = u.Username
	c.uid, _ = strconv.Atoi(u.Uid)
	c.gid, _ = strconv.Atoi(u.Gid)
	if group != "" {
		g, err := user.LookupGroup(group)
		if err != nil {
			g, err = user.LookupGroupId(group)
		}
		if err != nil {
			return c, fmt.Errorf("http.group: there is no group %s", group)
		}
		c.gid, _ = strconv.Atoi(g.Gid)
	}
	if c.uid == 0 || c.gid == 0 {
		return c, errors.New("the front is never root: say another http.user and http.group")
	}
	return c, nil
}

func frontUser(name string) (*user.User, error) {
	if name == "" {
		u, err := unprivileged()
		if err != nil {
			return nil, errors.New("there is neither a user www-data nor nobody: say http.user, who is the front")
		}
		return u, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		u, err = user.LookupId(name)
	}
	if err != nil {
		return nil, fmt.Errorf("http.user: there is no user %s", name)
	}
	return u, nil
}

// pools are those that the sites name, in the order of the configuration.
func (f *frontPlan) pools(g *generation) (routed []*pool) {
	for _, p := range g.pools {
		for _, s := range f.sites {
			if s.Pool == p.conf.Name {
				routed = append(routed, p)
				break
			}
		}
	}
	return routed
}
