package emulator

import (
	"net/http"
	"time"
)

// An answer stays in memory until its client has read it. What a client that does not read can hold is bounded: each
// part of an answer has to be taken within stalled, and maxLargeReads of large answers are there at a time.
const (
	stalled       = 10 * time.Second
	answerPart    = 64 << 10 // bytes; an answer of more is large
	maxLargeReads = 16
)

// patientWriter gives a client some time for each part of an answer.
type patientWriter struct {
	http.ResponseWriter
	control *http.ResponseController
}

func newPatientWriter(w http.ResponseWriter) *patientWriter {
	p := &patientWriter{w, http.NewResponseController(w)}
	_ = p.control.SetWriteDeadline(time.Time{}) // that of the answer before on the same connection
	return p
}

func (w *patientWriter) Write(data []byte) (written int, err error) {
	for {
		part := data[written:min(written+answerPart, len(data))]
		_ = w.control.SetWriteDeadline(time.Now().Add(stalled)) // a listener in memory may have none
		n, err := w.ResponseWriter.Write(part)
		if written += n; err != nil || written == len(data) {
			return written, err
		}
	}
}

// Unwrap is for [http.ResponseController].
func (w *patientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
