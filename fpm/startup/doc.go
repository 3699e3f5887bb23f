// Package startup takes what PHP says while it is started, which php-fpm shows and puts into its log.
//
//	said := startup.Hear(&config) // of package zygote
//	z, err := zygote.Start(ctx, config)
//	said().Show(log, os.Stderr)
//
// PHP logs its messages, and displays them besides; each is taken once. Worse returns by what a start is worse than another
// one: an extension that cannot be loaded, say, for which a reload is given up.
//
// A Question is for a PHP that is started only to be asked: for its constants, or where it has php.ini (Places). The package starts nothing
// itself.
package startup
