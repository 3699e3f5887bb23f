package cmd

import (
	"slices"
	"testing"
)

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
