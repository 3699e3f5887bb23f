package cmd

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/phpsapi/phpsapi/lifecycle"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// version is phpsapi's version, as far as the Go toolchain recorded it.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func versionCommand(asked engines.Asked) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print what phpsapi was built with and which PHP it runs",
		Long: `Print the version of phpsapi, the PHP whose headers it was built with, the libphp that it runs, with its version, and why it is that.
If libphp cannot be used, the reason is printed instead, and the exit status is 0 all the same.`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, args []string) error {
			return printVersion(command.OutOrStdout(), asked)
		},
	}
}

func printVersion(out io.Writer, asked engines.Asked) error {
	if _, err := fmt.Fprintf(out, "phpsapi %s (%s %s/%s)\nbuilt with PHP %s (%s)\n", version(), runtime.Version(), runtime.GOOS,
		runtime.GOARCH, lifecycle.HeaderVersion(), lifecycle.HeaderBuild()); err != nil {
		return err
	}
	choice, err := lifecycle.Choose(asked)
	var engine *lifecycle.Engine
	if err == nil {
		engine, err = lifecycle.Load(choice.Library)
	}
	if err != nil {
		_, err = fmt.Fprintf(out, "runs no PHP: %v\n", err)
		return err
	}
	// Load accepts no other build id.
	_, err = fmt.Fprintf(out, "runs PHP %s (%s), %s\nchosen: %s\n", engine.LoadedVersion(),
		lifecycle.HeaderBuild(), engine.Path(), choice.Because)
	return err
}
