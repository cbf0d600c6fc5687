package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	productionHost    = "cloudtasks.googleapis.com"
	productionAccount = "operator@my-project.iam.gserviceaccount.com"
)

// production is a fake Cloud Tasks. Processes reach it as in production, from the application default credentials to the name in the
// server's certificate. It is a proxy that directs connections to cloudtasks.googleapis.com to a TLS server of that name, which requires
// the account's token and forwards calls to an embedded queue.
type production struct {
	env []string // of a process that is led here

	key     *rsa.PrivateKey
	conns   chan net.Conn
	closed  chan struct{}
	backend *httputil.ReverseProxy

	// before runs before each call. It may block, or reject the call.
	mu     sync.Mutex
	before func(*http.Request) error
}

// newProduction returns a production that forwards calls to the embedded queue at the address.
func newProduction(t testing.TB, dir, embedded string) *production {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &production{key: key, conns: make(chan net.Conn), closed: make(chan struct{})}
	p.backend = httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: embedded})
	p.backend.FlushInterval = -1
	p.backend.ModifyResponse = statusInTrailer
	p.backend.ErrorLog = log.New(io.Discard, "", 0) // canceled calls
	h2c := new(http.Protocols)
	h2c.SetUnencryptedHTTP2(true)
	p.backend.Transport = &http.Transport{Protocols: h2c}

	server := &http.Server{Handler: p, TLSConfig: &tls.Config{Certificates: []tls.Certificate{p.certificate(t, dir)}}}
	go server.ServeTLS(p, "", "")
	proxy := httptest.NewServer(http.HandlerFunc(p.connect))
	t.Cleanup(func() {
		proxy.Close()
		server.Close()
	})
	p.env = []string{
		"CLOUD_TASKS_EMULATOR_HOST=", "HTTPS_PROXY=" + proxy.URL, "NO_PROXY=",
		"SSL_CERT_FILE=" + filepath.Join(dir, "root.pem"), "SSL_CERT_DIR=/nowhere",
		"GOOGLE_APPLICATION_CREDENTIALS=" + filepath.Join(dir, "account.json"),
	}
	p.writeAccount(t, filepath.Join(dir, "account.json"))
	return p
}

// certificate generates the server's certificate, and writes that of its authority.
func (p *production) certificate(t testing.TB, dir string) tls.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{productionHost}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, p.key.Public(), p.key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, filepath.Join(dir, "root.pem"), "CERTIFICATE", der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: p.key}
}

// writeAccount writes a service account's key file.
func (p *production) writeAccount(t testing.TB, name string) {
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "my-project", "private_key_id": "1", "client_email": productionAccount, "client_id": "1",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": "https://oauth2.example/token",
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func writePEM(t testing.TB, name, kind string, der []byte) {
	var text bytes.Buffer
	if err := pem.Encode(&text, &pem.Block{Type: kind, Bytes: der}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// statusInTrailer moves the status of a response that has only a status to the trailer, because a proxy cannot tell that header and
// trailer are one frame.
func statusInTrailer(resp *http.Response) error {
	for name, values := range resp.Header {
		if strings.HasPrefix(name, "Grpc-") {
			if resp.Trailer == nil {
				resp.Trailer = make(http.Header)
			}
			resp.Trailer[name] = values
			delete(resp.Header, name)
		}
	}
	return nil
}

func (p *production) setBefore(before func(*http.Request) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.before = before
}

// connect implements the proxy.
func (p *production) connect(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect || r.Host != productionHost+":443" {
		http.Error(w, "only "+productionHost+" is there", http.StatusBadGateway)
		return
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	fmt.Fprint(conn, "HTTP/1.1 200 OK\r\n\r\n")
	select {
	case p.conns <- &readerConn{conn, buffered.Reader}:
	case <-p.closed:
		conn.Close()
	}
}

type readerConn struct {
	net.Conn
	in *bufio.Reader
}

func (c *readerConn) Read(b []byte) (int, error) { return c.in.Read(b) }

// Accept, Close and Addr implement the listener of the TLS server.
func (p *production) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *production) Close() error {
	close(p.closed)
	return nil
}

func (p *production) Addr() net.Addr { return &net.TCPAddr{} }

// ServeHTTP implements the service.
func (p *production) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	before := p.before
	p.mu.Unlock()
	err := p.authenticate(r)
	if err == nil && before != nil {
		err = before(r)
	}
	if err != nil {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Grpc-Status", strconv.Itoa(int(status.Code(err))))
		w.Header().Set("Grpc-Message", status.Convert(err).Message())
		return
	}
	p.backend.ServeHTTP(w, r)
}

// authenticate checks the token, which service accounts sign themselves.
func (p *production) authenticate(r *http.Request) error {
	token, err := jwt.ParseSigned(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return status.Errorf(codes.Unauthenticated, "no token: %v", err)
	}
	var claims jwt.Claims
	if err := token.Claims(p.key.Public(), &claims); err != nil {
		return status.Error(codes.Unauthenticated, err.Error())
	}
	if err := claims.Validate(jwt.Expected{Issuer: productionAccount, Time: time.Now()}); err != nil {
		return status.Error(codes.Unauthenticated, err.Error())
	}
	return nil
}
