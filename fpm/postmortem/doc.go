// Package postmortem tells how a process has ended: in php-fpm's words, by its wait status, and by what Go's runtime printed
// as it died.
//
//	crashes, err := postmortem.NewCrashes() // crashes.In() is the process's runtime/debug.SetCrashOutput
//	...
//	how, level := postmortem.Ending(status) // "on signal 11 (SIGSEGV - core dumped)"
//	for _, line := range crashes.Lines(status) { ... }
//
// It waits for no process, and what a process has left is only text to it, which scripts may have written, too: it is
// bounded, and made printable.
package postmortem
