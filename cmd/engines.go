package cmd

import (
	"context"
	"debug/elf"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/phpsapi/phpsapi/lifecycle"
	"github.com/phpsapi/phpsapi/lifecycle/zygote"
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// tryPatience is how long a PHP may take to start when it is tried.
const tryPatience = 20 * time.Second

func enginesCommand(asked engines.Asked) *cobra.Command {
	command := &cobra.Command{
		Use:   "engines",
		Short: "List the PHPs that this machine has",
		Long: `List the PHPs that this machine has: version, build, kind, path, the directories of php.ini, and the directory of the extensions.
The list says which PHP runs, with the options and variables given, and why; and for each PHP that cannot run the reason. Each is
tried in a process of its own. The exit status is 1 if none can run.`,
		Args: cobra.NoArgs,
	}
	asJSON := command.Flags().Bool("json", false, "print JSON")
	command.RunE = func(command *cobra.Command, args []string) error {
		return listEngines(command.OutOrStdout(), asked, *asJSON)
	}
	return command
}

func listEngines(out io.Writer, asked engines.Asked, asJSON bool) error {
	choice, wrong := lifecycle.Choose(asked)
	if wrong != nil {
		choice = engines.Choice{}
	}
	list := lifecycle.Machine().List(choice, lifecycle.Versions(), tryEngine)
	if err := printEngines(out, list, wrong, asJSON); err != nil {
		return err
	}
	return someRun(list)
}

// someRun returns the exit status 1 as an error if none of the PHPs can run.
func someRun(list []engines.Listed) error {
	if slices.ContainsFunc(list, func(l engines.Listed) bool { return l.Unusable == "" }) {
		return nil
	}
	return exitStatus(1)
}

// printEngines prints a list. wrong is why none runs of its own accord; nil: one does.
func printEngines(out io.Writer, list []engines.Listed, wrong error, asJSON bool) error {
	if asJSON {
		text, err := json.MarshalIndent(list, "", "  ")
		if err == nil {
			_, err = fmt.Fprintf(out, "%s\n", text)
		}
		return err
	}
	var text strings.Builder
	if wrong != nil {
		fmt.Fprintf(&text, "none runs: %v\n", wrong)
	}
	for _, l := range list {
		showEngine(&text, l)
	}
	if len(list) == 0 {
		text.WriteString("no libphp was found\n")
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func showEngine(out *strings.Builder, l engines.Listed) {
	line := func(what, text string) {
		if text != "" {
			fmt.Fprintf(out, "  %-11s %s\n", what, text)
		}
	}
	title := "PHP " + l.Version
	if l.Version == "" {
		title = "no PHP"
	}
	if l.Path != "" {
		title += ", " + l.Path
	}
	fmt.Fprintln(out, title)
	line("build", l.Build)
	line("kind", l.Kind)
	line("php.ini", iniDirs(l.INI))
	line("extensions", l.Extensions)
	line("runs", l.Default)
	line("cannot run", l.Unusable)
}

// iniDirs returns directories of php.ini as text, each with the front ends that look there unless all do.
func iniDirs(dirs []engines.INIDir) string {
	var texts []string
	for _, d := range dirs {
		text := d.Dir
		if len(d.FrontEnds) > 0 {
			text += " (" + strings.Join(d.FrontEnds, ", ") + ")"
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}

// tryEngine starts PHP in a process of its own, without any php.ini, and asks it what it is.
func tryEngine(library string) (engines.Facts, error) {
	ctx, cancel := context.WithTimeout(context.Background(), tryPatience)
	defer cancel()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return engines.Facts{}, err
	}
	defer null.Close()
	known, err := zygote.Constants(ctx, zygote.Config{
		Program: zygote.Self(lifecycle.Self()), Argv: []string{"phpsapi: tries " + library}, Engine: library, Env: os.Environ(),
		Stdout: null, Stderr: null,
		Module: sapi.Module{Name: sapi.CLI, PrettyName: "Command Line Interface", INI: sapi.INI{Ignore: true}},
	})
	if err != nil {
		return engines.Facts{}, err
	}
	f := engines.Facts{Version: known["PHP_VERSION"], INI: known["PHP_CONFIG_FILE_PATH"], Extensions: known["PHP_EXTENSION_DIR"]}
	f.Own = isEngine(library)
	if i := slices.IndexFunc(lifecycle.Inside(), func(d lifecycle.Description) bool { return d.Minor() == engines.Minor(f.Version) }); i >= 0 && !f.Own {
		f.Build = lifecycle.Inside()[i].Build // it accepts no other
	}
	return f, nil
}

// isEngine reports whether a library that could be loaded is an engine of its own: it has the symbol by which such a one is
// found.
func isEngine(library string) bool {
	file, err := elf.Open(library)
	if err != nil {
		return false
	}
	defer file.Close()
	symbols, err := file.DynamicSymbols()
	return err == nil && slices.ContainsFunc(symbols, func(s elf.Symbol) bool {
		return s.Name == "phpsapi_engine" && s.Section != elf.SHN_UNDEF
	})
}
