package cloudtask_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// rsaKeys are made once: making them is what takes longest in these tests.
var rsaKeys = sync.OnceValue(func() (keys [3]*rsa.PrivateKey) {
	for i := range keys {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		keys[i] = key
	}
	return keys
})

const (
	account  = "tasks@project.iam.gserviceaccount.com"
	audience = "https://app.example"
)

// fakeIssuer signs tokens and, as a client's transport, answers for the issuer's servers.
type fakeIssuer struct {
	url     string // of the issuer; its discovery document is there
	keysURL string

	mu      sync.Mutex
	keys    map[string]any // public keys by id, as served
	header  http.Header    // of the answer with the keys
	down    error          // what the transport returns instead of an answer
	status  int            // of the answers, if not 200
	body    string         // served instead of the keys
	claimed string         // issuer in the discovery document; default url
	gate    chan struct{}  // answers wait until it is closed
	fetches int            // of the keys
}

func newIssuer(url, keysURL string) *fakeIssuer {
	return &fakeIssuer{url: url, keysURL: keysURL, keys: map[string]any{"one": &rsaKeys()[0].PublicKey}}
}

func googleIssuer() *fakeIssuer {
	return newIssuer("https://accounts.google.com", "https://www.googleapis.com/oauth2/v3/certs")
}

// set changes the issuer while requests run.
func (i *fakeIssuer) set(change func(i *fakeIssuer)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change(i)
}

func (i *fakeIssuer) fetched() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fetches
}

func (i *fakeIssuer) client() *http.Client { return &http.Client{Transport: i} }

// RoundTrip answers for the issuer's servers.
func (i *fakeIssuer) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	gate := i.gate
	if r.URL.String() == i.keysURL {
		i.fetches++
	}
	i.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.down != nil {
		return nil, i.down
	}
	var document any
	switch r.URL.String() {
	case i.url + "/.well-known/openid-configuration":
		issuer := i.url
		if i.claimed != "" {
			issuer = i.claimed
		}
		document = map[string]string{"issuer": issuer, "jwks_uri": i.keysURL}
	case i.keysURL:
		var set jose.JSONWebKeySet
		for id, key := range i.keys {
			set.Keys = append(set.Keys, jose.JSONWebKey{Key: key, KeyID: id, Algorithm: "RS256", Use: "sig"})
		}
		document = set
	default:
		return nil, errors.New("unexpected request for " + r.URL.String())
	}
	body, err := json.Marshal(document)
	if err != nil {
		return nil, err
	}
	if i.body != "" {
		body = []byte(i.body)
	}
	status := http.StatusOK
	if i.status != 0 {
		status = i.status
	}
	return &http.Response{StatusCode: status, Header: i.header.Clone(), Body: io.NopCloser(strings.NewReader(string(body))), Request: r}, nil
}

// claims returns those of a good token of Google's, changed by the function.
func (i *fakeIssuer) claims(changes ...func(c map[string]any)) map[string]any {
	c := map[string]any{
		"iss": i.url, "aud": audience, "sub": "1234567890", "email": account, "email_verified": true,
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}
	for _, change := range changes {
		change(c)
	}
	return c
}

// sign returns a token with the claims. The key's id goes into its header unless it is "".
func sign(t testing.TB, alg jose.SignatureAlgorithm, key any, kid string, claims any) string {
	t.Helper()
	return signWith(t, alg, key, kid, claims, new(jose.SignerOptions))
}

func signWith(t testing.TB, alg jose.SignatureAlgorithm, key any, kid string, claims any, options *jose.SignerOptions) string {
	t.Helper()
	if kid != "" {
		options.WithHeader("kid", kid)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options.WithType("JWT"))
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// token returns a good token, its claims changed by the functions.
func (i *fakeIssuer) token(t testing.TB, changes ...func(c map[string]any)) string {
	t.Helper()
	return sign(t, jose.RS256, rsaKeys()[0], "one", i.claims(changes...))
}

func claim(name string, value any) func(map[string]any) {
	return func(c map[string]any) {
		if value == nil {
			delete(c, name)
			return
		}
		c[name] = value
	}
}

// noRun is a Run that must not be reached.
func noRun(t testing.TB) func(context.Context, string) error {
	return func(context.Context, string) error {
		t.Error("the task ran")
		return nil
	}
}
