// Command cloudtaskgen writes enqueue functions, JSON codecs and routes for structs that are declared as tasks.
//
// "cloudtaskgen help" says what it does, "cloudtaskgen help directives" what the directives are.
package main

import (
	"context"
	"os"
	"runtime/debug"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
	"github.com/cloudtaskgen/cloudtaskgen/gen/directive"
)

// exitFindings is the exit code of problems in the source, and of -check that found a difference.
const exitFindings = 1

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200) // it does not run for long, and spends a sixth of it on garbage otherwise
	}
	os.Exit(program().Run(context.Background(), os.Args[1:], cli.Standard()))
}

func program() *cli.Program {
	generate := generateCommand()
	return &cli.Program{
		Name:     "cloudtaskgen",
		Summary:  "cloudtaskgen writes enqueue functions, JSON codecs and routes for structs with a //cloudtask:task directive.",
		Commands: []cli.Command{listCommand(), queuesCommand(), lockCommand()},
		Topics:   []cli.Topic{{Name: "directives", Summary: "describe the directives", Write: directive.WriteHelp}},
		Default:  &generate,
		ExitCode: func(error) int { return cli.ExitUsage },
	}
}
