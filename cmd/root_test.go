package cmd

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/cmdline"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// php is what a file is for, whether it is there or not: it says so.
func TestAFileIsPHPsAndAWordIsACommand(t *testing.T) {
	for _, c := range []struct {
		args []string
		want bool
	}{
		{nil, false}, {[]string{"nosuch.php"}, true}, {[]string{"bin/console"}, true}, {[]string{"root.go"}, true}, {[]string{"-r"}, true},
		{[]string{"-"}, true}, {[]string{"fpm"}, false}, {[]string{"reload"}, false}, {[]string{"--help"}, false}, {[]string{"--version"}, false},
	} {
		if got := isPHPCommandLine(c.args); got != c.want {
			t.Errorf("%q: %v", c.args, got)
		}
	}
}

func TestUnknownCommandHasAHint(t *testing.T) {
	for word, want := range map[string]string{
		"reload": `did you mean "phpsapi fpm reload"?`, "start": `did you mean "phpsapi fpm start"?`, "fmp": `did you mean "fpm"?`, "nonsense": "phpsapi --help lists the commands",
	} {
		if got := meant(rootCommand(engines.Asked{}), word); got != want {
			t.Errorf("%s: got %q, want %q", word, got, want)
		}
	}
}

func TestFPMHelp(t *testing.T) {
	for _, c := range []struct {
		args []string
		want bool
	}{
		{[]string{"-h"}, true}, {[]string{"--help"}, true}, {[]string{"help"}, true}, {[]string{"-h", "-y"}, false}, {nil, false},
	} {
		if got := isFPMHelp(c.args); got != c.want {
			t.Errorf("%q: %v", c.args, got)
		}
	}
}

func TestMisspeltCommandOfFPMHasAHint(t *testing.T) {
	for word, want := range map[string]string{"realod": `did you mean "phpsapi fpm reload"?`, "nonsense": "phpsapi fpm --help lists them"} {
		if got := meantOfFPM(rootCommand(engines.Asked{}), word); got != want {
			t.Errorf("%s: got %q, want %q", word, got, want)
		}
	}
	var names []string
	for _, command := range operatorCommands(engines.Asked{}) {
		names = append(names, command.Name())
	}
	slices.Sort(names)
	if known := slices.Sorted(slices.Values(cmdline.Commands)); !slices.Equal(names, known) {
		t.Errorf("the commands are %q, cmdline knows %q", names, known)
	}
}

func TestHelpForNothingFails(t *testing.T) {
	for _, args := range [][]string{{"help", "nosuch"}, {"help", "fpm", "nosuch"}, {"fpm", "realod"}, {"fpm", "status", "--mster"}, {"version", "--x"}} {
		if status := execute(args, engines.Asked{}); status == 0 {
			t.Errorf("%q: exit status 0", args)
		}
	}
}

// -v is php's and prints its version.
func TestHelpDoesNotPromiseV(t *testing.T) {
	if text := rootCommand(engines.Asked{}).UsageString(); strings.Contains(text, "-v,") || !strings.Contains(text, "--version") {
		t.Errorf("got %s", text)
	}
}

// A script that asks for the PHPs got the status 0 where none could run.
func TestEnginesOfWhichNoneCanRun(t *testing.T) {
	good, bad := engines.Listed{Version: "8.2.36"}, engines.Listed{Version: "8.4", Unusable: "libphp8.4.so was not found"}
	for _, c := range []struct {
		list []engines.Listed
		want error
	}{
		{nil, exitStatus(1)}, {[]engines.Listed{bad}, exitStatus(1)}, {[]engines.Listed{bad, good}, nil}, {[]engines.Listed{good}, nil},
	} {
		if got := someRun(c.list); got != c.want {
			t.Errorf("%+v: got %v, want %v", c.list, got, c.want)
		}
	}
}

func TestTimesAndPidsOfOptions(t *testing.T) {
	for text, want := range map[string]time.Duration{"5": 5 * time.Second, "0": 0, "1.5": 1500 * time.Millisecond, "1m30s": 90 * time.Second, "x": -1, "-5": -1, "": -1} {
		var s secondsFlag
		if err := s.Set(text); (err != nil) != (want < 0) || err == nil && time.Duration(s) != want {
			t.Errorf("--timeout %q: got %v, %v", text, time.Duration(s), err)
		}
	}
	for text, want := range map[string]int{"12": 12, "abc": 0, "0": 0, "-1": 0, "99999999999": 0} {
		var p pidFlag
		if err := p.Set(text); (err != nil) != (want == 0) || int(p) != want {
			t.Errorf("--master %q: got %d, %v", text, int(p), err)
		}
	}
}

func TestCommandsAreKnownByName(t *testing.T) {
	var names []string
	for _, command := range rootCommand(engines.Asked{}).Commands() {
		if command.Name() == "help" || command.Name() == "completion" {
			continue
		}
		names = append(names, command.Name())
	}
	slices.Sort(names)
	if !slices.Equal(names, commands) {
		t.Errorf("the commands are %q, isCommand knows %q", names, commands)
	}
	for word, want := range map[string]bool{"fpm": true, "help": true, "completion": true, "fpm.php": false, "": false} {
		if isCommand(word) != want {
			t.Errorf("isCommand(%q) is %v", word, !want)
		}
	}
}

// The help of a program with PHP inside told how to choose another.
func TestHelpTellsWhichPHPRuns(t *testing.T) {
	if text := enginesHelp("8.2.36"); text != "PHP 8.2.36 is a part of this program, which runs no other." {
		t.Errorf("with PHP inside: %s", text)
	}
	if long := rootCommand(engines.Asked{}).Long; !strings.Contains(long, "\n\n--engine 8.4, or ") || strings.HasSuffix(long, "\n") {
		t.Errorf("the help is %s", long)
	}
}
