package cloudtask

// Enqueued stands for the tasks of type T that were enqueued in a queue of type Q: what generated Enqueued functions
// return to tests. Q is *cloudtasktest.Queue, and the functions of package cloudtasktest are what can be done with it.
//
// Generated code is linked into programs, and this package too, so neither knows more of tests than this pair. The
// functions are generic in Q, so that not even their code exists where no test calls them.
type Enqueued[Q, T any] struct {
	Queue      Q
	Definition *Definition // of T
}
