package zygote

import (
	"fmt"
	"strings"
	"syscall"

	"github.com/phpsapi/phpsapi/sapi"
)

// What lifecycle/boot_template.c tells of an application that was not booted, or must not be forked, are facts: what is the matter,
// and what belongs to it. Here they become sentences. Long texts come last, where the end of a message may be missing.

// facts takes a message apart.
func facts(body []byte) []string {
	return strings.Split(strings.TrimSuffix(string(body), "\x00"), "\x00")
}

// A fact is what may be the matter: with how many texts after its name it comes, and how they are worded.
type fact struct {
	texts int
	words func(texts []string) string
}

// wordsOf words the facts by the table's entry. It returns false if there is none such.
func wordsOf(table map[string]fact, given []string) (string, bool) {
	f, known := table[given[0]]
	if !known || len(given)-1 < f.texts {
		return "", false
	}
	return f.words(given[1:]), true
}

// notBooted are the facts of a msgUnbooted.
var notBooted = map[string]fact{
	"cut":     {0, func([]string) string { return "its description is cut short" }},
	"request": {0, func([]string) string { return "PHP could not start a request" }},
	"step": {2, func(t []string) string { // its error, what failed
		return fmt.Sprintf("%s: %v", t[1], syscall.Errno(sapi.Atoi(t[0])))
	}},
	"unreadable": {2, func(t []string) string { return sapi.BootUnreadable(t[1], syscall.Errno(sapi.Atoi(t[0]))) }}, // its error, the path
	"error":      {3, func(t []string) string { return sapi.BootFailed(t[2], t[1], sapi.Atoi(t[0])) }},              // the line, the file, the message
	"end":        {1, func(t []string) string { return sapi.BootEnded(sapi.Atoi(t[0])) }},                           // the status
}

// unbooted words the facts of a msgUnbooted.
func unbooted(given []string) error {
	if words, ok := wordsOf(notBooted, given); ok {
		return &BootError{words}
	}
	return errMalformed
}

// notForked are the facts of a msgRefused.
var notForked = map[string]fact{
	"stack": {0, func([]string) string {
		return "the limit of the stack is too low for it: raise it to 4 MB or more (ulimit -s, systemd's LimitSTACK)"
	}},
	"socket": {1, func(t []string) string { return opened(socket(t[1:]), t[0]) }}, // descriptor; side; address; port
	"file": {2, func(t []string) string { // descriptor, path
		if t[1] == "" {
			return opened("a file", t[0])
		}
		return opened(t[1], t[0])
	}},
	"lock": {2, func(t []string) string { // descriptor, path
		return fmt.Sprintf("the application has locked %s (descriptor %s) before its first request; the lock would be no worker's, or all workers': "+
			"lock it later, or let go of it in phpsapi_before_fork()", t[1], t[0])
	}},
	"threads": {1, func(t []string) string {
		return fmt.Sprintf("an extension has started %s threads, which workers that are forked would not have", t[0])
	}},
	"warmup": {2, func(t []string) string { // status, request
		return fmt.Sprintf("the warm-up request %s was answered with status %s", t[1], t[0])
	}},
	"hook": {1, func(t []string) string {
		thrown, _ := sapi.WithoutTrace(t[0])
		return "a callback of phpsapi_before_fork() has thrown: " + thrown
	}},
	"object": {1, func(t []string) string {
		return fmt.Sprintf("the application has an object of the class %s before its first request; workers that are forked would share its connection: "+
			"make it later, or drop it in phpsapi_before_fork()", t[0])
	}},
}

// refused words the facts of a msgRefused.
func refused(given []string) error {
	if words, ok := wordsOf(notForked, given); ok {
		return &SnapshotError{words}
	}
	return errMalformed
}

func opened(what, descriptor string) string {
	return fmt.Sprintf("the application has opened %s (descriptor %s) before its first request; workers that are forked would share it: "+
		"open it later, or close it in phpsapi_before_fork()", what, descriptor)
}

// socket names a socket by what is known of it: whether the address is the peer's ("to") or its own ("at"), the address, and the port.
func socket(known []string) string {
	switch {
	case len(known) < 2:
		return "a socket"
	case len(known) > 2:
		return fmt.Sprintf("a socket %s %s port %s", known[0], known[1], known[2])
	case known[1] == "":
		return fmt.Sprintf("a socket %s an unnamed address", known[0])
	}
	return fmt.Sprintf("a socket %s %s", known[0], known[1])
}
