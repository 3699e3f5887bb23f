package zygote

import (
	"errors"
	"strings"
	"testing"
)

// What a boot is given up for was worded by C, and read like this.
func TestFactsBecomeSentences(t *testing.T) {
	t.Parallel()
	share := " before its first request; workers that are forked would share it: open it later, or close it in phpsapi_before_fork()"
	for given, want := range map[string]string{
		"cut":                                    "U its description is cut short",
		"request":                                "U PHP could not start a request",
		"step|1|setuid":                          "U setuid: operation not permitted",
		"unreadable|13|/srv":                     "U the pool's user cannot read it: /srv: permission denied",
		"error|7|/a b.php|Uncaught Exception: x": "U Uncaught Exception: x in /a b.php on line 7",
		"error|7|/a.php|Uncaught Exception: x in /b.php:3\nStack trace:\n#0 /a.php(9): f()\n#1 {main}\n  thrown": "U Uncaught Exception: x in /b.php:3",
		"end|3":                      "U it ended with status 3 before it called frankenphp_handle_request()",
		"end|0":                      "U it ended without a call of frankenphp_handle_request()",
		"stack":                      "V the limit of the stack is too low for it: raise it to 4 MB or more (ulimit -s, systemd's LimitSTACK)",
		"socket|9|to|127.0.0.1|3306": "V the application has opened a socket to 127.0.0.1 port 3306 (descriptor 9)" + share,
		"socket|9|to|/run/db.sock":   "V the application has opened a socket to /run/db.sock (descriptor 9)" + share,
		"socket|9|at|":               "V the application has opened a socket at an unnamed address (descriptor 9)" + share,
		"socket|9":                   "V the application has opened a socket (descriptor 9)" + share,
		"file|8|/tmp/x":              "V the application has opened /tmp/x (descriptor 8)" + share,
		"file|8|":                    "V the application has opened a file (descriptor 8)" + share,
		"threads|2":                  "V an extension has started 2 threads, which workers that are forked would not have",
		"warmup|503|/login?x":        "V the warm-up request /login?x was answered with status 503",
		"hook|no more":               "V a callback of phpsapi_before_fork() has thrown: no more",
		"hook|Uncaught Exception: x in /b.php:3\nStack trace:\n#0 /a.php(9): f()": "V a callback of phpsapi_before_fork() has thrown: Uncaught Exception: x in /b.php:3",
		"object|PDO": "V the application has an object of the class PDO before its first request; workers that are forked would " +
			"share its connection: make it later, or drop it in phpsapi_before_fork()",
	} {
		letter, sentence, _ := strings.Cut(want, " ")
		body := facts([]byte(strings.ReplaceAll(given, "|", "\x00") + "\x00"))
		var boot *BootError
		var snapshot *SnapshotError
		switch err := map[string]func([]string) error{"U": unbooted, "V": refused}[letter](body); {
		case errors.As(err, &boot) && letter == "U" && boot.Why == sentence:
		case errors.As(err, &snapshot) && letter == "V" && snapshot.Why == sentence:
		default:
			t.Errorf("%s: %v, want %s", given, err, want)
		}
	}
}

func TestFactsOfNoKind(t *testing.T) {
	t.Parallel()
	for _, given := range []string{"", "none", "step", "step|1", "error|1|x", "end", "file|3", "warmup|500"} {
		body := facts([]byte(strings.ReplaceAll(given, "|", "\x00") + "\x00"))
		if err := unbooted(body); !errors.Is(err, errMalformed) {
			t.Errorf("%s: %v", given, err)
		}
		if err := refused(body); !errors.Is(err, errMalformed) {
			t.Errorf("%s: %v", given, err)
		}
	}
}
