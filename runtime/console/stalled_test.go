package console_test

import (
	"fmt"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener whose connections are pipes, which buffer nothing.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if conn, ok := <-p; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// A browser that has stopped reading is disconnected.
func TestStalledBrowser(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := show(t, answer(200))
		listener := make(pipes)
		server := http.Server{Handler: s.page}
		go func() { _ = server.Serve(listener) }() // ends with the listener
		defer close(listener)
		browser, other := net.Pipe()
		defer browser.Close()
		listener <- other
		if _, err := fmt.Fprint(browser, "GET /ui/live?view=/ HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if n, err := browser.Read(make([]byte, 1)); err == nil {
			t.Errorf("%d bytes are still to be had after a minute, want the connection to be closed", n)
		}
	})
}
