package cmd

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/phpsapi/phpsapi/cmd/licenses"
	"github.com/phpsapi/phpsapi/lifecycle"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// described is what git describe printed when make built the program: a tag such as v0.1.0, followed by the number of commits since and
// the commit, or without any tag the commit alone. It is empty in a program that go build has made.
var described string

// version returns phpsapi's version: that of git describe, else what the Go toolchain recorded, else "(devel)".
func version() string {
	if described != "" && described != "unknown" {
		return described
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func versionCommand(asked engines.Asked) *cobra.Command {
	command := &cobra.Command{
		Use:   "version",
		Short: "Print the version of phpsapi and which PHP it runs",
		Long: `Print the version of phpsapi, the PHPs that it was built for, and the libphp that it runs: its version, its path, and why it was
chosen. If libphp cannot be used, the reason is printed instead, and the exit status is 0 all the same. phpsapi engines exits with
status 1 if no PHP can run.`,
		Args: cobra.NoArgs,
	}
	withLicenses := command.Flags().Bool("licenses", false, "print the licences of all that this program contains instead")
	command.RunE = func(command *cobra.Command, args []string) error {
		if *withLicenses {
			_, err := io.WriteString(command.OutOrStdout(), licenses.Text+lifecycle.Licenses())
			return err
		}
		return printVersion(command.OutOrStdout(), asked)
	}
	return command
}

func printVersion(out io.Writer, asked engines.Asked) error {
	text := fmt.Sprintf("phpsapi %s (%s %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	inside := lifecycle.Inside()
	for _, engine := range inside {
		text += fmt.Sprintf("built with PHP %s (%s)\n", engine.Version, engine.Build)
	}
	if len(inside) == 0 {
		text += "built with no PHP: make engines, and build it again\n"
	}
	choice, err := lifecycle.Choose(asked)
	var engine *lifecycle.Engine
	if err == nil {
		engine, err = lifecycle.Load(choice.Library)
		err = choice.Refusal(err)
	}
	if err != nil {
		text += fmt.Sprintf("runs no PHP: %v\n", err)
	} else {
		where := engine.Path()
		if where == engines.OfProgram {
			where = "inside this program"
		}
		text += fmt.Sprintf("runs PHP %s (%s), %s\nchosen: %s\n", engine.LoadedVersion(), engine.Description().Build, where, choice.Because)
	}
	_, err = io.WriteString(out, text)
	return err
}
