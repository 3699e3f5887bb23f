package cmdline

import (
	"reflect"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/settings"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

func TestOptions(t *testing.T) {
	yes, no := true, false
	engine84 := settings.Source{Flags: map[string][]string{"engine": {"8.4"}}}
	const noEngine = "--engine needs a version such as 8.4, or the path of a libphp"
	const noScript = "--worker needs a script, such as public/index.php"
	for args, want := range map[string]commandLine{
		"":                       {},
		"-y x.conf -F -O -R":     {config: "x.conf", daemonize: &no, forceStderr: true, allowRoot: true},
		"--fpm-config=x.conf -D": {config: "x.conf", daemonize: &yes},
		"--config x.conf":        {config: "x.conf"},
		"-F -D":                  {daemonize: &yes},
		"-n -c dir -d a=b -d c":  {ignoreINI: true, iniOverride: "dir", entries: "a=b\nc=1\n"},
		"-p pre -g pid -e":       {prefix: conf.Text{Value: "pre", Set: true}, pid: "pid", extendedInfo: true},
		"-t":                     {action: actionTest},
		"-tt":                    {action: actionTest, dump: true},
		"-t -y x.conf -t":        {action: actionTest, dump: true, config: "x.conf"},
		"-h -t":                  {action: actionHelp},
		"-?":                     {action: actionHelp},
		"-x":                     {action: actionUsage, misused: "unknown option -x, or its value is missing"},
		"--bogus":                {action: actionUsage, misused: "unknown option --bogus, or its value is missing"},
		"-y":                     {action: actionUsage, misused: "unknown option -y, or its value is missing"},
		"word":                   {action: actionUsage, misused: `"word" is neither an option nor a command`},
		"-R status":              {action: actionUsage, misused: `"status" is neither an option nor a command`, command: "status -R", allowRoot: true},
		"-m word":                {action: actionShow, shown: ShowModules},
		"--version":              {action: actionShow, shown: ShowVersion},
		"-v word -x":             {action: actionShow, shown: ShowVersion},
		"-v -x --engine 8.4 -y":  {action: actionShow, shown: ShowVersion, settings: engine84},
		"-m --engine=8.4 --http": {action: actionShow, shown: ShowModules, settings: engine84},
		"--engine 8.4 -v":        {action: actionShow, shown: ShowVersion, settings: engine84},
		"-v --engine":            {action: actionUsage, misused: noEngine, shown: ShowVersion},
		"-t --engine":            {action: actionUsage, misused: noEngine},
		"-t --engine= -F":        {action: actionUsage, misused: noEngine},
		"-v --engine= -F":        {action: actionUsage, misused: noEngine, shown: ShowVersion},
		"-i word":                {action: actionShow, shown: ShowInfo},
		"-i -n":                  {action: actionShow, shown: ShowInfo, ignoreINI: true},
		"-i -x":                  {action: actionUsage, misused: "unknown option -x, or its value is missing"},
		"--http :80 --http=[::1]:80 --root dir": {settings: settings.Source{Flags: map[string][]string{
			"http.listen": {":80", "[::1]:80"}, "http.root": {"dir"}}}},
		"--index a.php --settings x.yaml --set www.pm=static --set a=b -t": {action: actionTest, sets: []string{"www.pm=static", "a=b"},
			settings: settings.Source{File: "x.yaml", Flags: map[string][]string{"http.index": {"a.php"}}}},
		"--worker --http :80": {action: actionUsage, misused: noScript},
		"--worker":            {action: actionUsage, misused: noScript},
		"--worker= -F":        {action: actionUsage, misused: noScript},
		"worker":              {action: actionUsage, misused: `"worker" is neither an option nor a command`},
		"--http":              {action: actionUsage, misused: "unknown option --http, or its value is missing"},
	} {
		if got := parse(strings.Fields(args)); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got  %+v\nwant %+v", args, got, want)
		}
	}
}

// --worker "$UNSET" ran no worker script.
func TestAnEmptyWorkerIsMisuse(t *testing.T) {
	if c := parse([]string{"--worker", "", "-t"}); c.action != actionUsage || c.misused != needs("worker") {
		t.Errorf("got %+v", c)
	}
}

// --engine "$UNSET" ran the machine's php.
func TestAnEmptyEngineIsMisuse(t *testing.T) {
	for _, args := range [][]string{{"--engine", "", "-t"}, {"-t", "--engine", ""}, {"-v", "--engine", ""}} {
		if c := parse(args); c.action != actionUsage || c.misused != engines.ErrNoValue.Error() {
			t.Errorf("%q: got %+v", args, c)
		}
	}
}
