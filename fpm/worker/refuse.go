// Counterpart: sapi/fpm/fpm/fpm_main.c (main)

package worker

import (
	"strings"
	"syscall"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// What php-fpm answers in place of a script.
var (
	fileNotFound = []byte("File not found.\n")
	accessDenied = []byte("Access denied.\n")
	noInputFile  = []byte("No input file specified.\n")
)

// answerUnowned says that a script is one that others have put there.
func (k *worker) answerUnowned(script []byte) {
	k.log.Logf(zlog.Notice, "Access to the script '%s' has been denied (see script_owners)", script)
	k.responder.PHP.Answer(403, accessDenied)
}

// answerUnopened says why the script was not opened.
func (k *worker) answerUnopened(err error) {
	k.log.Logf(zlog.Error, "Unable to open primary script: %s (%s)", k.responder.ForPHP.Path.Filename, words(err))
	switch err {
	case syscall.EACCES:
		k.responder.PHP.Answer(403, accessDenied)
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM: // php-fpm says 404, as if the script were not there
		k.responder.PHP.Header("Retry-After: 1")
		k.responder.PHP.Answer(503, notNow)
	default:
		k.responder.PHP.Answer(404, noInputFile)
	}
}

// notNow is the answer if the system lacks what a script needs to be opened.
var notNow = []byte("The script could not be opened; the error log says why.\n")

// words are C's words for a system error.
func words(err error) string {
	text, _, _ := strings.Cut(zlog.Strerror(err), " (")
	return text
}
