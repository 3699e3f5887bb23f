package cmd

import (
	"slices"
	"testing"
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
		if got := meant(rootCommand(), word); got != want {
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

func TestCommandsAreKnownByName(t *testing.T) {
	var names []string
	for _, command := range rootCommand().Commands() {
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
