package cli

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
)

func (p *Program) versionCommand() Command {
	return Command{
		Name:    "version",
		Summary: "print the version",
		Help:    "Prints the versions of the module and of Go that the program was built with.",
		Flags: func(*flag.FlagSet) Runner {
			return func(_ context.Context, args []string, std Streams) error {
				if len(args) > 0 {
					return BadUsage("unexpected argument %q", args[0])
				}
				_, err := fmt.Fprintf(std.Out, "%s %s %s %s/%s\n", p.Name, moduleVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
				return err
			}
		},
	}
}

// moduleVersion returns the version of the program's module: a tag, a pseudo-version, or "(devel)" if the build recorded neither.
func moduleVersion() string {
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return "(devel)"
	}
	return cmp.Or(info.Main.Version, "(devel)")
}
