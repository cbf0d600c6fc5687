package localqueue

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/inproc"
)

// handlerGrace is how long Close waits for a handler whose attempt was cancelled.
const handlerGrace = 5 * time.Second

func waitForHandlers(t *inproc.Transport) error {
	ctx, cancel := context.WithTimeout(context.Background(), handlerGrace)
	defer cancel()
	if wait(ctx, t.Wait) != nil {
		return fmt.Errorf("localqueue: a handler is still running %v after its request was cancelled", handlerGrace)
	}
	return nil
}

// newTransport returns the transport that all attempts share.
func newTransport(config *tls.Config) *http.Transport {
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        config,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    2 * fastWorkers, // more than quick tasks ever use: connections are reused
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    30 * time.Second,
		MaxResponseHeaderBytes: 1 << 20,
		DisableCompression:     true, // adds no header to the task's and Cloud Tasks' own
	}
}
