package emulator

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"
)

// http2Preface begins every HTTP/2 connection (RFC 9113, 3.4), and so every gRPC one. No HTTP/1.1 request begins with
// its first four bytes.
const http2Preface = "PRI "

// sniffTimeout is how long a new connection may take to send the bytes that tell its protocol.
const sniffTimeout = 10 * time.Second

// mux hands the connections of one listener to two servers: HTTP/2 ones to gRPC, all others to HTTP/1.1. It looks at
// a connection's first bytes once; after that the server has the connection to itself, so that gRPC pays nothing for
// sharing its port.
type mux struct {
	listener net.Listener
	log      *slog.Logger
	grpc     *handoff
	http     *handoff

	running sync.WaitGroup // the accept loop and the connections being sniffed

	mu       sync.Mutex
	closed   bool
	sniffing map[net.Conn]struct{}
}

func newMux(listener net.Listener, log *slog.Logger) *mux {
	return &mux{
		listener: listener,
		log:      log,
		grpc:     newHandoff(listener.Addr()),
		http:     newHandoff(listener.Addr()),
		sniffing: make(map[net.Conn]struct{}),
	}
}

// start begins to accept connections.
func (m *mux) start() { m.running.Go(m.accept) }

// close stops accepting, drops the connections that have not told their protocol yet and waits for its goroutines.
func (m *mux) close() error {
	m.mu.Lock()
	m.closed = true
	err := m.listener.Close()
	for conn := range m.sniffing {
		conn.Close()
	}
	m.mu.Unlock()
	m.grpc.Close()
	m.http.Close()
	m.running.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil // its owner was faster
	}
	return err
}

func (m *mux) accept() {
	const firstPause, maxPause = 5 * time.Millisecond, time.Second
	pause := firstPause
	for {
		conn, err := m.listener.Accept()
		if err == nil {
			pause = firstPause
			if m.track(conn) {
				m.running.Go(func() { m.sniff(conn) })
			}
			continue
		}
		var netErr net.Error
		if !errors.As(err, &netErr) || errors.Is(err, net.ErrClosed) {
			m.logEnd(err)
			return
		}
		// Such as no file descriptors left: better in a moment.
		m.log.Warn("accepting a connection", "error", err, "retry_in", pause)
		select {
		case <-time.After(pause):
			pause = min(2*pause, maxPause)
		case <-m.grpc.done:
			return
		}
	}
}

// logEnd tells of a listener that accepts no more although nobody has closed the mux.
func (m *mux) logEnd(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.log.Error("the emulator accepts no more connections", "error", err)
	}
}

// track remembers a connection that is being sniffed; it closes it and reports false when the mux is closed.
func (m *mux) track(conn net.Conn) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		conn.Close()
		return false
	}
	m.sniffing[conn] = struct{}{}
	return true
}

func (m *mux) sniff(conn net.Conn) {
	_ = conn.SetReadDeadline(time.Now().Add(sniffTimeout)) // a closed connection cannot be read either
	prefix, isHTTP2, err := readPrefix(conn)
	_ = conn.SetReadDeadline(time.Time{})

	m.mu.Lock()
	delete(m.sniffing, conn)
	m.mu.Unlock()

	if err != nil {
		conn.Close()
		return
	}
	target := m.http
	if isHTTP2 {
		target = m.grpc
	}
	target.give(&sniffedConn{Conn: conn, prefix: prefix})
}

// readPrefix reads until the bytes are HTTP/2's preface or cannot become it any more.
func readPrefix(conn net.Conn) (prefix []byte, isHTTP2 bool, err error) {
	buf := make([]byte, 0, len(http2Preface))
	for len(buf) < len(http2Preface) {
		n, err := conn.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if string(buf) != http2Preface[:len(buf)] {
			return buf, false, nil
		}
		if err != nil {
			return nil, false, err
		}
	}
	return buf, true, nil
}

// sniffedConn is a connection whose first bytes have been read already.
type sniffedConn struct {
	net.Conn
	prefix []byte // still to be read
}

func (c *sniffedConn) Read(p []byte) (int, error) {
	if len(c.prefix) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.prefix)
	c.prefix = c.prefix[n:]
	return n, nil
}

// handoff is a net.Listener that accepts the connections given to it.
type handoff struct {
	addr  net.Addr
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newHandoff(addr net.Addr) *handoff {
	return &handoff{addr: addr, conns: make(chan net.Conn), done: make(chan struct{})}
}

// give passes conn to whoever accepts, or closes it when the listener has been closed.
func (h *handoff) give(conn net.Conn) {
	select {
	case h.conns <- conn:
	case <-h.done:
		conn.Close()
	}
}

func (h *handoff) Accept() (net.Conn, error) {
	select {
	case conn := <-h.conns:
		return conn, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

func (h *handoff) Close() error {
	h.once.Do(func() { close(h.done) })
	return nil
}

func (h *handoff) Addr() net.Addr { return h.addr }
