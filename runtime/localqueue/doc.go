// Package localqueue is an embedded task queue that behaves like Google Cloud Tasks.
//
// [New] returns a [Service]: every project, location, queue and task of one embedded Cloud Tasks. It validates, stores,
// schedules, dispatches over HTTP (or straight to an [net/http.Handler]), retries, limits and forgets tasks the way the
// service does, with its error texts, and needs nothing but this process.
//
// [Service.Backend] lets a program's client use it in place of Cloud Tasks:
//
//	queue, err := localqueue.New(localqueue.WithHandler(handler))
//	…
//	defer queue.Close()
//	client, err := cloudtask.NewClient(queue.Backend(), cfg)
//
// The Service's own methods have the names of the wire API's calls, such as CreateTask and ListQueues, and the types of package
// resource, which hold all that the wire API has. Package emulator serves the wire API itself.
//
// # Time
//
// Time is real, or virtual with [WithVirtualClock]. A virtual clock stands still until [Service.Advance], [Service.RunDue],
// [Service.RunNext], [Service.RunFor] or [Service.RunUntilIdle] moves it. Tasks are delivered within those calls, one after the
// other, and the service runs no goroutine. [WithSynctestClock] does the same with the time of a testing/synctest bubble, which
// handlers share. On every clock, [Service.WaitIdle] waits until nothing is left to do now, and [Service.Reset] starts over.
//
// # Faults and durability
//
// [Service.SetFaults] makes deliveries fail in the ways that they fail in production, to test whether handlers can bear it.
//
// Everything is in memory, or with [WithDir] on disk too: a call then returns once all that it reports is on disk, and delivery
// after a restart is at least once.
//
// # Where Cloud Tasks' behavior is not known
//
// What is known of Cloud Tasks' behavior decides every detail. Where nothing is known, this package behaves as follows:
//   - An attempt that got no response, such as a refused connection, counts as UNAVAILABLE with previous response 503;
//     one that ran into its dispatch deadline as DEADLINE_EXCEEDED with 504, as in Cloud Tasks.
//   - A redirect with a Location is followed, at most five times, with the task's own method, headers and body, so that
//     no worker acknowledges a task that it has not seen. A redirect without one is a failed attempt.
//   - A response counts when its body has ended or its first mebibyte has been read; a body that breaks off is no response.
//   - Retry-After on 429 and 503 delays the next attempt when it is longer than the back-off.
//   - An App Engine task whose attempt got no response has previous response 0 and reason Instance Unavailable, whatever
//     the cause. Without a deadline of its own an attempt may take ten minutes.
//   - The host of an App Engine task is its instance, version and service, as far as they are given, in front of
//     PROJECT.appspot.com, and is stored with the task.
//   - An override of a queue's http_target that is set applies to a task's URL as it is parsed. Where the override keeps
//     the task's token, an audience that is not given is the overridden URL.
//   - RunTask on a task that is running starts no second attempt.
package localqueue
