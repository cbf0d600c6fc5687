// Package console is the web console of an embedded queue. It shows queues, tasks and attempts live, and lets users act on them.
//
//	queue, err := localqueue.New(localqueue.WithHistory(1000))
//	…
//	server := emulator.Serve(queue, listener, emulator.WithConsole(console.New(queue)))
//
// The server renders its pages as HTML. The style sheet and the script are embedded in the program, and nothing is requested from
// elsewhere. Without the script everything works except live updates.
//
// Task data is untrusted and is shown as text: the templates escape it, and the Content Security Policy forbids every script but the
// console's own. Requests are accepted only under this machine's names or that of [WithHost], and actions only from the console's
// own pages; package guard says why.
package console
