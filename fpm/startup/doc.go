// Package startup is what the master learns from a PHP by starting it: the messages that PHP has about its settings and extensions, and the answers
// of a PHP that is started only to be asked. The package starts nothing itself; package zygote does.
//
// php-fpm shows the messages, and puts them into its log:
//
//	said := startup.Hear(&config) // of package zygote
//	z, err := zygote.Start(ctx, config)
//	said().Show(log, os.Stderr)
//
// PHP logs each message and displays it besides; Hear takes it once. After a reload Worse compares the messages of the new PHP with those of the old one:
// if an extension cannot be loaded any more, the reload is given up.
//
// A Question asks for what only PHP knows: the constants of its extensions, which php-fpm.conf may name, or where it looks for php.ini (Places).
package startup
