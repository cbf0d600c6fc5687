// Package localqueue is an embedded task queue that behaves like Google Cloud Tasks.
//
// [New] returns a [Service]: every project, location, queue and task of one embedded Cloud Tasks. It validates, stores,
// schedules, dispatches over HTTP (or straight to an [net/http.Handler]), retries, limits and forgets tasks the way the
// service does, with its error texts, and needs nothing but this process.
//
// A Service is a [cloudtask.Backend], so that a program's client can use it in place of Cloud Tasks:
//
//	queue, err := localqueue.New(localqueue.WithHandler(handler))
//	…
//	defer queue.Close()
//	client, err := cloudtask.NewClient(queue.Backend(), cfg)
//
// The methods of that interface speak the core's types. The others speak this package's richer ones, which hold all
// that the wire API has: they are named CreateTask, Task, Tasks, CreateQueue, Queue, Queues and so on. The wire API itself
// is package emulator's.
//
// Time is real, or virtual with [WithVirtualClock]: then it stands still until [Service.Advance], [Service.RunDue],
// [Service.RunNext], [Service.RunFor] or [Service.RunUntilIdle] moves it, tasks are delivered within those calls, one
// after the other, and the service runs no goroutine at all. [WithSynctestClock] is the same with the time of a bubble of
// testing/synctest, which handlers share. On either clock [Service.WaitIdle] waits until nothing is
// left to do now, and [Service.Reset] begins anew.
//
// [Service.SetFaults] makes deliveries go wrong in the ways that they do in production, to see whether handlers bear it.
//
// Everything is in memory, or with [WithDir] on disk too: then an answer is given when all that it tells of is on disk,
// and delivery after a restart is at least once.
//
// Evidence of how Cloud Tasks behaves decides every detail. Where none is known, this package does what is named here:
//   - An attempt that got no response, such as a refused connection, counts as UNAVAILABLE with previous response 503;
//     one that ran into its dispatch deadline as DEADLINE_EXCEEDED with 504, as in Cloud Tasks.
//   - A redirect with a Location is followed, at most five times, with the task's own method, headers and body, so that
//     no worker acknowledges a task that it has not seen. A redirect without one is a failed attempt.
//   - A response counts when its body has ended or its first mebibyte has been read; a body that breaks off is no response.
//   - Retry-After on 429 and 503 delays the next attempt when it is longer than the back-off.
//   - An App Engine task whose attempt got no response has previous response 0 and reason Instance Unavailable, whatever
//     kept the response away. Without a deadline of its own an attempt may take ten minutes.
//   - The host of an App Engine task is its instance, version and service, as far as they are given, in front of
//     PROJECT.appspot.com, and is stored with the task.
//   - An override of a queue's http_target that is set applies to a task's URL as it is parsed. Where the override keeps
//     the task's token, an audience that is not given is the overridden URL.
//   - RunTask on a task that is running starts no second attempt.
package localqueue
