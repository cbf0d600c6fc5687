// Package cloudtasktest tests code that enqueues tasks, and the tasks: typed, in parallel, without a network, a sleep or
// a mock.
//
// [New] returns a [Queue] of the test's own. Its Client is what the code under test enqueues with, as it does in
// production:
//
//	q := cloudtasktest.New(t, tasks.Routes(app)...)
//	err := shop.SignUp(t.Context(), q.Client, 7)
//	…
//	email := cloudtasktest.Only(t, tasks.EnqueuedSendWelcomeEmail(q), tasks.SendWelcomeEmail{UserID: 7})
//
// Nothing runs until the test says so: [Queue.RunNext] makes one attempt, [Queue.RunAll] all that there are, with those
// of the tasks that tasks enqueue, and [Queue.RunFor] those of the next hours or days. The queue is the embedded one of
// package localqueue, which behaves like Cloud Tasks, on a clock that these calls move: they run in the caller's
// goroutine, one task after the other, and return the attempts that they made.
//
// What goes wrong in production, [Queue.FailAttempt], [Queue.LoseAnswer] and [Queue.DeliverTwice] make go wrong here.
//
// # Time
//
// The queue's clock starts at the present and stands still between calls. The clock of the code under test goes on: what
// it reads with time.Now does not follow when RunFor moves the queue by a week. Where that matters, put the test into a
// bubble of testing/synctest. A queue that is made there has the bubble's clock, and so has everything else in it.
//
// # Handlers
//
// A program's own handler, with its middleware and the check of tokens, takes the place of routes with
// [Queue.DeliverTo], and a server that listens with [Queue.DeliverToServer]. Make it with the queue's Config: it trusts
// the queue's tokens. [Request] returns the request that Cloud Tasks would send, for tests that serve it themselves.
package cloudtasktest
