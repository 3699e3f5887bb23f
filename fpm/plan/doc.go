// Package plan finds out what phpsapi's own settings ask for, and checks it before anything is opened or executed.
//
//	p := plan.New(source)
//	p.Own, err = settingsSource.Load() // and p.Engine, p.PHP, p.INI
//	options.Verify = p.Verify          // of conf: after php-fpm.conf was read
//	cfg, err := conf.Load(options)
//
// Verify asks of each pool which PHP it wants, whether it is in worker mode, what its sandbox needs and whether the kernel has
// that, which clients may ask it, and after which times its requests are ended; and of the front which sites it serves, as
// which user, with which certificates, and whether workers speak HTTP themselves. An error names the setting and its place.
//
// A Plan belongs to one configuration and is not changed after Verify, but for Certificates and Looking, which the master keeps
// there. Compare tells how two configurations differ. The package opens no socket and starts no process, and waits for nothing
// but the file system.
package plan
