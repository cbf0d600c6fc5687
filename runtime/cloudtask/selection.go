package cloudtask

// Selection selects the tasks of type T that were enqueued in a queue of type Q, which is *cloudtasktest.Queue. Generated EnqueuedX functions
// return it to tests, for the functions of package cloudtasktest.
//
// Generated code and this package are linked into programs, so this pair is all that they know about tests. The generated functions are
// generic in Q, so they are not even compiled into programs without such tests.
type Selection[Q, T any] struct {
	Queue      Q
	Definition *Definition // of T
}
