// Package console is the web page of an embedded queue: it shows the queues, their tasks and what came of them, live,
// and works with them.
//
//	queue, err := localqueue.New(localqueue.WithHistory(1000))
//	…
//	server := emulator.Serve(queue, listener, emulator.WithConsole(console.New(queue)))
//
// The page is HTML that the server renders, with one style sheet and one script, all of it in the program: nothing is
// requested from elsewhere. Without the script everything works but what keeps the page up to date.
//
// What a task holds may come from anybody and is shown as text: the templates escape it, and the page's Content Security
// Policy forbids every script but its own. A browser is answered only under this machine's names or [WithHost], and acts
// only for the page itself; see package guard for why.
package console
