package cloudtasktest

// SetMaxChain makes the queue take chains for endless that are longer than n.
func SetMaxChain(q *Queue, n int) { q.maxChain = n }
