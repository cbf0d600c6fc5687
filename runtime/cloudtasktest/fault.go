package cloudtasktest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// Errors of attempts that a test has made fail.
var (
	errFailed = errors.New("made to fail by the test (FailAttempt)")
	errLost   = errors.New("its answer was lost by the test (LoseAnswer)")
)

type faultKind int

const (
	faultFail faultKind = iota
	faultLose
	faultTwice
)

// fault is something that a test makes go wrong.
type fault struct {
	kind    faultKind
	attempt int // number; 0: every
	status  int // of faultFail; 0: no answer
	types   []string
}

func (f *fault) hits(kind faultKind, task string, attempt int) bool {
	return f.kind == kind && (f.attempt == 0 || f.attempt == attempt) && (len(f.types) == 0 || slices.Contains(f.types, task))
}

// FailAttempt makes each task's n-th attempt fail without reaching the handler: with an HTTP status from 300 to 599, or
// with 0 as when nothing listens. n counts from 1. Types are names of task types; without any, tasks of every type fail.
func (q *Queue) FailAttempt(n, status int, types ...string) {
	q.t.Helper()
	if status != 0 && (status < 300 || status > 599) {
		q.t.Fatalf("cloudtasktest: FailAttempt with status %d: want 300 to 599, or 0 for no answer", status)
	}
	q.inject(fault{kind: faultFail, attempt: n, status: status}, "FailAttempt", types)
}

// LoseAnswer loses the answer to each task's n-th attempt: the handler runs, but the queue does not learn that it did, and
// makes another attempt. n counts from 1. Types are as in [Queue.FailAttempt].
func (q *Queue) LoseAnswer(n int, types ...string) {
	q.t.Helper()
	q.inject(fault{kind: faultLose, attempt: n}, "LoseAnswer", types)
}

// DeliverTwice makes every attempt reach the handler twice, one after the other; the first answer counts. Types are as in
// [Queue.FailAttempt].
func (q *Queue) DeliverTwice(types ...string) {
	q.t.Helper()
	q.inject(fault{kind: faultTwice}, "DeliverTwice", types)
}

// inject adds a fault, after a look at the names in it: one that no task has would never do anything.
func (q *Queue) inject(f fault, method string, types []string) {
	q.t.Helper()
	if f.kind != faultTwice && f.attempt < 1 {
		q.t.Fatalf("cloudtasktest: %s of attempt %d: they count from 1", method, f.attempt)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.checked && len(q.routes) > 0 {
		var known []string
		for _, route := range q.routes {
			known = append(append(known, route.Name), route.Aliases...)
		}
		for _, name := range types {
			if !slices.Contains(known, name) {
				slices.Sort(known)
				q.t.Fatalf("cloudtasktest: %s: no route is for %q; there are %s", method, name, strings.Join(known, ", "))
			}
		}
	}
	f.types = types
	q.faults = append(q.faults, f)
}

// faultsOf returns what goes wrong with an attempt.
func (q *Queue) faultsOf(task string, attempt int) (fail, lose, twice *fault) {
	for i := range q.faults {
		switch f := &q.faults[i]; {
		case f.hits(faultFail, task, attempt):
			fail = f
		case f.hits(faultLose, task, attempt):
			lose = f
		case f.hits(faultTwice, task, attempt):
			twice = f
		}
	}
	return fail, lose, twice
}

// deliver is the handler that the queue service delivers to.
func (q *Queue) deliver(w http.ResponseWriter, r *http.Request) {
	key := attemptOf(r)
	q.mu.Lock()
	q.runs[key] = new(runInfo)
	target := q.target
	fail, lose, twice := q.faultsOf(rules.Last(r.URL.Path), key.number)
	q.mu.Unlock()
	switch {
	case fail != nil:
		q.note(key, runInfo{err: errFailed})
		if fail.status == 0 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(fail.status)
		return
	case target == nil: // RunTask of the service's, before anything runs tasks
		http.Error(w, "cloudtasktest: nothing runs tasks", http.StatusNotFound)
		return
	}
	if lose != nil {
		q.note(key, runInfo{err: errLost})
		w = httptest.NewRecorder()
	}
	if twice != nil {
		q.serveTwice(target, w, r, key)
	} else {
		target.ServeHTTP(w, r)
	}
	if lose != nil {
		panic(http.ErrAbortHandler)
	}
}

// attemptOf returns which attempt a request is. The headers' names are spelled as net/http keeps them.
func attemptOf(r *http.Request) attemptKey {
	retries, _ := strconv.Atoi(r.Header.Get(rules.KeyRetryCount))
	return attemptKey{r.Header.Get(rules.KeyQueueName), r.Header.Get(rules.KeyTaskName), retries + 1}
}

// serveTwice serves the request to the handler twice and answers with the first answer.
func (q *Queue) serveTwice(target http.Handler, w http.ResponseWriter, r *http.Request, key attemptKey) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	second := r.Clone(r.Context())
	r.Body, second.Body = io.NopCloser(bytes.NewReader(body)), io.NopCloser(bytes.NewReader(body))
	target.ServeHTTP(w, r)
	q.note(key, runInfo{}) // what the second run is logged with does not count
	target.ServeHTTP(httptest.NewRecorder(), second)
}
