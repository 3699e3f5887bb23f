package cli

import (
	"reflect"
	"testing"
)

func TestParseStartup(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want startup
		fail string
	}{
		{"nothing", nil, startup{}, ""},
		{"settings", []string{"-c", "dir", "-n", "-d", "a", "-db=/x", "-e"},
			startup{iniOverride: "dir", ignoreINI: true, entries: "a=1\nb=\"/x\"\n", extendedInfo: true}, ""},
		{"the last -c rules", []string{"-c", "a", "-c", "b"}, startup{iniOverride: "b"}, ""},
		{"help ends", []string{"-h", "-n"}, startup{end: modeHelp}, ""},
		{"-? is help", []string{"-?"}, startup{end: modeHelp}, ""},
		{"--usage is help", []string{"--usage"}, startup{end: modeHelp}, ""},
		{"version ends", []string{"-n", "-v", "-c", "x"}, startup{ignoreINI: true, end: modeVersion}, ""},
		{"version ends a server", []string{"-S", "a:1", "-v"}, startup{end: modeVersion}, ""},
		{"info", []string{"--info"}, startup{end: modeInfo}, ""},
		{"modules", []string{"-mn"}, startup{end: modeModules}, ""},
		{"server", []string{"-S", "127.0.0.1:80"}, startup{server: true}, ""},
		{"a script's options", []string{"script.php", "-n"}, startup{}, ""},
		{"behind --", []string{"--", "-n"}, startup{}, ""},
		{"unknown", []string{"-n", "-Q"}, startup{ignoreINI: true}, "Error in argument 2, char 2: option not found Q"},
	} {
		got, err := parseStartup(test.args, php82)
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %q is %+v, want %+v", test.name, test.args, got, test.want)
		}
		if fail := ""; err != nil {
			if fail = err.Error(); fail != test.fail {
				t.Errorf("%s: %q fails with %q, want %q", test.name, test.args, fail, test.fail)
			}
		} else if test.fail != "" {
			t.Errorf("%s: %q does not fail", test.name, test.args)
		}
	}
}

func TestParseRun(t *testing.T) {
	text := func(s string) *string { return &s }
	for _, test := range []struct {
		name string
		args []string
		want run
	}{
		{"standard input", nil, run{}},
		{"a script and its arguments", []string{"a.php", "-v", "x"}, run{script: text("a.php"), args: []string{"-v", "x"}}},
		{"an empty name is a name", []string{"", "x"}, run{script: text(""), args: []string{"x"}}},
		{"-f leaves all words to the script", []string{"-f", "a.php", "x"}, run{script: text("a.php"), args: []string{"x"}}},
		{"-- means standard input", []string{"--", "x", "y"}, run{args: []string{"x", "y"}}},
		{"-f and --", []string{"-fa.php", "--", "-x"}, run{script: text("a.php"), args: []string{"-x"}}},
		{"code", []string{"-r", "1;", "x"}, run{mode: modeCode, code: "1;", args: []string{"x"}}},
		{"empty code", []string{"-r", ""}, run{mode: modeCode}},
		{"lines", []string{"-B", "b", "-R", "r", "-E", "e", "x"},
			run{mode: modeLines, begin: text("b"), line: text("r"), end: text("e"), args: []string{"x"}}},
		{"a file for each line", []string{"-F", "f.php", "x"}, run{mode: modeLines, script: text("f.php"), args: []string{"x"}}},
		{"lint", []string{"-l", "a.php"}, run{mode: modeLint, script: text("a.php")}},
		{"strip", []string{"-w", "a.php"}, run{mode: modeStrip, script: text("a.php")}},
		{"highlight", []string{"--syntax-highlighting", "a.php"}, run{mode: modeHighlight, script: text("a.php")}},
		{"lint yields to strip", []string{"-w", "-l", "a.php"}, run{mode: modeStrip, script: text("a.php")}},
		{"reflection", []string{"--rc", "A"}, run{mode: modeReflect, reflection: optReflectClass, what: "A"}},
		{"the last reflection rules", []string{"--rc", "A", "--rf=f"}, run{mode: modeReflect, reflection: optReflectFunction, what: "f"}},
		{"an extension", []string{"--ri", "json"}, run{mode: modeExtensionInfo, what: "json"}},
		{"ini files", []string{"--ini"}, run{mode: modeINIFiles}},
		{"Zend extensions", []string{"-z", "a", "-zb"}, run{extensions: []string{"a", "b"}}},
		{"hidden arguments", []string{"-H", "a.php"}, run{hideArgs: true, script: text("a.php")}},
		{"repeat", []string{"--repeat", "3", "a.php"}, run{repeat: 3, script: text("a.php")}},
		{"shell", []string{"-a"}, run{shell: true}},
		{"server", []string{"-S", "a:1", "-t", "dir", "router.php"}, run{server: "a:1", docroot: "dir", script: text("router.php")}},
	} {
		if test.want.repeat == 0 {
			test.want.repeat = 1
		}
		got := parseRun(test.args, true, php82)
		if len(got.args) == 0 {
			got.args = nil
		}
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %q is %+v, want %+v", test.name, test.args, got, test.want)
		}
	}
}

func TestConflicts(t *testing.T) {
	const (
		once      = "You can use -"
		highlight = "Source highlighting only works for files.\n"
		strip     = "Source stripping only works for files.\n"
	)
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"-r", "1", "-r", "2"}, once + "r only once.\n"},
		{[]string{"-r", "", "-r", ""}, once + "r only once.\n"},
		{[]string{"-f", "a", "-f", "b"}, once + "f only once.\n"},
		{[]string{"-f", "", "-f", "b"}, once + "f only once.\n"},
		{[]string{"-B", "1", "-B", "2"}, once + "B only once.\n"},
		{[]string{"-E", "1", "-E", "2"}, once + "E only once.\n"},
		{[]string{"-R", "1", "-R", "2"}, lineConflict},
		{[]string{"-R", "1", "-F", "2"}, lineConflict},
		{[]string{"-F", "1", "-R", "2"}, lineConflict},
		{[]string{"-r", "1", "-R", "2"}, modeConflict},
		{[]string{"-R", "1", "-r", "2"}, modeConflict},
		{[]string{"-r", "1", "-f", "2"}, modeConflict},
		{[]string{"-l", "-r", "1"}, modeConflict},
		{[]string{"-a", "-r", "1"}, modeConflict},
		{[]string{"-r", "1", "-a"}, modeConflict},
		{[]string{"-a", "-B", "1"}, modeConflict},
		{[]string{"-a", "-R", "1"}, ""},
		{[]string{"-r", "1", "-s"}, highlight},
		{[]string{"-R", "1", "-w"}, strip},
		{[]string{"-r", "1", "-s", "-w"}, strip},
		{[]string{"-r", "1", "-l"}, ""},
		{[]string{"-f", "a", "-l"}, ""},
	} {
		if got := parseRun(test.args, true, php82).conflict; got != test.want {
			t.Errorf("%q: conflict %q, want %q", test.args, got, test.want)
		}
	}
	if got := parseRun([]string{"-a"}, false, php82).conflict; got != shellMissing {
		t.Errorf("-a without readline: conflict %q, want %q", got, shellMissing)
	}
}
