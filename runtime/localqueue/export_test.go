package localqueue

// WithSnapshotEvery begins a snapshot whenever the journal has grown by so many bytes.
func WithSnapshotEvery(bytes int64) Option {
	return func(o *options) { o.minRoll = bytes }
}

// WithPastBytes bounds what all queues together remember.
func WithPastBytes(bytes int64) Option {
	return func(o *options) { o.maxPast = bytes }
}
