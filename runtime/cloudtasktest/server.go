package cloudtasktest

import (
	"io"
	"maps"
	"net/http"
	"net/url"
)

// DeliverToServer is [Queue.DeliverTo] for a server that listens: requests go to the scheme and host of base, such as a
// httptest.Server's URL, whatever those of Config.BaseURL are. They are sent through the client's transport; a client of
// the queue's own is used if it is nil. A bubble of testing/synctest does not wait for a network, so this does not work in
// one, and the goroutines that tasks leave are not found, for it is the server's goroutines that start them.
func (q *Queue) DeliverToServer(base string, client *http.Client) {
	q.t.Helper()
	to, err := url.Parse(base)
	if err != nil || to.Host == "" || to.Scheme != "http" && to.Scheme != "https" {
		q.t.Fatalf("cloudtasktest: DeliverToServer: %q is not the URL of a server", base)
	}
	var transport http.RoundTripper
	switch {
	case client == nil:
		own := &http.Transport{DisableCompression: true}
		q.t.Cleanup(own.CloseIdleConnections)
		transport = own
	case client.Transport == nil:
		transport = http.DefaultTransport
	default:
		transport = client.Transport
	}
	q.DeliverTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := forward(transport, to, w, r); err != nil {
			q.note(attemptOf(r), runInfo{err: err})
			panic(http.ErrAbortHandler)
		}
	}))
}

// forward passes a request on to a server, and its answer back.
func forward(transport http.RoundTripper, to *url.URL, w http.ResponseWriter, r *http.Request) error {
	out := r.Clone(r.Context())
	out.RequestURI, out.URL.Scheme, out.URL.Host = "", to.Scheme, to.Host
	resp, err := transport.RoundTrip(out)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	maps.Copy(w.Header(), resp.Header)
	w.WriteHeader(resp.StatusCode)
	_, err = io.Copy(w, resp.Body)
	return err
}
