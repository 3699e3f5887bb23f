package cmd

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/phpsapi/phpsapi/lifecycle"
)

// version is phpsapi's version, as far as the Go toolchain recorded it.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of phpsapi and of the PHP it was built for",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, args []string) error {
			_, err := fmt.Fprintf(command.OutOrStdout(), "phpsapi %s (%s %s/%s)\nbuilt for PHP %s\nengine %s\n",
				version(), runtime.Version(), runtime.GOOS, runtime.GOARCH, lifecycle.HeaderVersion(), lifecycle.EnginePath())
			return err
		},
	}
}
