// Command cloudtask is the operator's command of cloudtaskgen.
//
//	cloudtask dev                 serve the embedded queue over the Cloud Tasks API
//	cloudtask ls [queues|tasks]   list queues or tasks
//	cloudtask show TASK           show a task in full
//	cloudtask run TASK            run a task now
//	cloudtask discard TASK...     delete tasks, or with -type all tasks of a type
//	cloudtask pause QUEUE         stop dispatching tasks from a queue
//	cloudtask resume QUEUE        resume dispatching tasks from a queue
//	cloudtask purge QUEUE         delete all tasks in a queue
//	cloudtask replay TASK|FILE    send a task's request to a local server
//	cloudtask completion SHELL    print a completion script for bash, zsh or fish
//	cloudtask version             print the version
//	cloudtask help COMMAND        describe a command
package main

import (
	"context"
	"os"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
)

func main() {
	os.Exit(program().Run(context.Background(), os.Args[1:], cli.Standard()))
}

func program() *cli.Program {
	return &cli.Program{
		Name:    "cloudtask",
		Summary: "cloudtask serves an embedded queue, and inspects and manages queues and tasks, embedded or in production.",
		Commands: []cli.Command{
			devCommand(), lsCommand(), showCommand(), runCommand(), discardCommand(),
			pauseCommand(), resumeCommand(), purgeCommand(), replayCommand(),
		},
		ExitCode: exitCode,
	}
}
