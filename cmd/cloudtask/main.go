// Command cloudtask is the operator's command of cloudtaskgen.
//
//	cloudtask dev                 serve the embedded queue on the wire API of Cloud Tasks
//	cloudtask ls [queues|tasks]   list queues or tasks
//	cloudtask show TASK           show all of a task
//	cloudtask run TASK            have a task attempted now
//	cloudtask discard TASK...     delete tasks, or with -type all of a type
//	cloudtask pause QUEUE         stop dispatching from a queue
//	cloudtask resume QUEUE        start dispatching again
//	cloudtask purge QUEUE         delete all tasks of a queue
//	cloudtask replay TASK|FILE    send a task's request to a server on this machine
//	cloudtask completion SHELL    print the completion script of bash, zsh or fish
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
		Summary: "cloudtask serves an embedded queue, and shows and changes what is in queues, embedded or in production.",
		Commands: []cli.Command{
			devCommand(), lsCommand(), showCommand(), runCommand(), discardCommand(),
			pauseCommand(), resumeCommand(), purgeCommand(), replayCommand(),
		},
		ExitCode: exitCode,
	}
}
