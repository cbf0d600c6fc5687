package cloudtasktest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/issuer"
)

// signer returns the issuer of all tests' tokens: its key takes some tenths of a second to make. Nobody can reach its
// URL, nor has to.
var signer = sync.OnceValue(func() *issuer.Issuer { return issuer.New("http://cloudtasktest.invalid") })

// authenticator returns the check of tokens that cfg asks for, with the tests' issuer in Google's place.
func authenticator(cfg cloudtask.Config) cloudtask.Authenticator {
	audiences := cfg.Audiences
	if len(audiences) == 0 {
		audiences = []string{strings.TrimRight(cfg.BaseURL, "/")}
	}
	return &cloudtask.OIDCAuthenticator{
		Email: cfg.ServiceAccount, AcceptedEmails: cfg.AcceptedServiceAccounts, Audiences: audiences, Issuers: []string{signer().URL()},
		KeysURL: signer().URL() + issuer.KeysPath, HTTPClient: &http.Client{Transport: keyServer{}},
	}
}

// keyServer answers requests for the issuer's keys in place of a network.
type keyServer struct{}

func (keyServer) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	signer().Handler().ServeHTTP(w, r)
	return w.Result(), nil
}

// tokens makes the tokens of a queue's tasks. Where nobody looks at them, they are not worth a signature.
type tokens struct{ q *Queue }

func (t tokens) IDToken(ctx context.Context, account, audience string) (string, error) {
	return t.IDTokenIssuedAt(ctx, account, audience, time.Time{})
}

// IDTokenIssuedAt is IDToken by a clock that is ahead or behind, see [localqueue.Faults].
func (t tokens) IDTokenIssuedAt(ctx context.Context, account, audience string, at time.Time) (string, error) {
	t.q.mu.Lock()
	checked := t.q.checked
	t.q.mu.Unlock()
	switch {
	case !checked:
		return "nobody-checks-this-token", nil
	case at.IsZero():
		return signer().IDToken(ctx, account, audience)
	}
	return signer().IDTokenIssuedAt(ctx, account, audience, at)
}

func (t tokens) AccessToken(ctx context.Context, account, scope string) (string, error) {
	return signer().AccessToken(ctx, account, scope)
}
