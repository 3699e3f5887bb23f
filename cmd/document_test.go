package cmd

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/phpsapi/phpsapi/sapi/engines"
)

var update = flag.Bool("update", false, "write the tables of docs/CONTROL.md")

// The places of the tables in docs/CONTROL.md: each is between its own comment and the next empty line.
const (
	madeCommands = "<!-- The commands, made of the code by: go test ./cmd -run Document -update -->\n\n"
	madeOptions  = "<!-- The options, made of the code by: go test ./cmd -run Document -update -->\n\n"
)

// eachCommand calls do for the commands for a service, with the words after phpsapi fpm that call them.
func eachCommand(do func(words string, command *cobra.Command)) {
	for _, command := range operatorCommands(engines.Asked{}) {
		if !command.HasSubCommands() {
			do(command.Use, command)
		}
		for _, below := range command.Commands() {
			do(command.Name()+" "+below.Use, below)
		}
	}
}

// common are the options that name a service, and those for all outcomes. Commands that take php-fpm's options have none of them.
func common(t *testing.T) *pflag.FlagSet {
	t.Helper()
	command, _ := operatorCommand(engines.Asked{}, &cobra.Command{Use: "x"}, 0)
	return command.Flags()
}

// option returns an option as a table shows it, such as `--pool NAME`.
func option(f *pflag.Flag) (name, usage string) {
	value, usage := pflag.UnquoteUsage(f)
	name = "--" + f.Name
	if f.Shorthand != "" {
		name = "-" + f.Shorthand + ", " + name
	}
	if value != "" {
		name += " " + strings.ToUpper(value)
	}
	return "`" + name + "`", usage
}

func commandTable(t *testing.T) string {
	t.Helper()
	service := common(t)
	var b strings.Builder
	b.WriteString("| command | what it does | waits at most | its own options |\n|---|---|---|---|\n")
	eachCommand(func(words string, command *cobra.Command) {
		var own []string
		command.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Hidden || f.Name == "help" || service.Lookup(f.Name) != nil {
				return
			}
			name, usage := option(f)
			own = append(own, name+": "+usage)
		})
		waits := ""
		if timeout := command.Flags().Lookup("timeout"); timeout != nil && !timeout.Hidden {
			waits = map[string]string{"0": "no limit", "1m0s": "1m", "2m0s": "2m", "3m0s": "3m"}[timeout.DefValue]
			waits = cmp.Or(waits, timeout.DefValue)
		}
		// In a table a bar within code ends the cell, unless it is escaped.
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", strings.ReplaceAll(words, "|", `\|`), command.Short, waits, strings.Join(own, "; "))
	})
	return b.String()
}

func optionTable(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| option | |\n|---|---|\n")
	common(t).VisitAll(func(f *pflag.Flag) {
		name, usage := option(f)
		fmt.Fprintf(&b, "| %s | %s |\n", name, usage)
	})
	return b.String()
}

func TestDocumentOfTheCommands(t *testing.T) {
	const file = "../docs/CONTROL.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	document := string(text)
	for _, made := range []struct{ place, table string }{{madeCommands, commandTable(t)}, {madeOptions, optionTable(t)}} {
		before, rest, begins := strings.Cut(document, made.place)
		there, after, ends := strings.Cut(rest, "\n\n")
		if !begins || !ends {
			t.Fatalf("%s has no place for a table: %s", file, made.place)
		}
		if there+"\n" != made.table && !*update {
			t.Errorf("%s is not what the commands say: go test ./cmd -run Document -update", file)
		}
		document = before + made.place + made.table + "\n" + after
	}
	if *update {
		if err := os.WriteFile(file, []byte(document), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
