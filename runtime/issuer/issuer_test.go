package issuer_test

import (
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/issuer"
)

const (
	account  = "runner@demo.iam.gserviceaccount.com"
	audience = "https://worker.example/tasks/X"
)

// serve returns an issuer that is served at its URL, and a verifier of its tokens.
func serve(t *testing.T) (*issuer.Issuer, func(audience string) *oidc.IDTokenVerifier) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	i := issuer.New("http://" + server.Listener.Addr().String())
	server.Config.Handler = i.Handler()
	server.Start()
	t.Cleanup(server.Close)
	return i, func(audience string) *oidc.IDTokenVerifier {
		provider, err := oidc.NewProvider(t.Context(), i.URL())
		if err != nil {
			t.Fatal(err)
		}
		return provider.Verifier(&oidc.Config{ClientID: audience})
	}
}

func TestTokenLikeGoogles(t *testing.T) {
	t.Parallel()
	i, verifier := serve(t)
	raw, err := i.IDToken(t.Context(), account, audience)
	if err != nil {
		t.Fatal(err)
	}
	token, err := verifier(audience).Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	if life := token.Expiry.Sub(token.IssuedAt); life != time.Hour {
		t.Errorf("lifetime %v, want 1h", life)
	}
	subject, _ := claims["sub"].(string)
	if len(subject) != 21 || strings.Trim(subject, "0123456789") != "" {
		t.Errorf("sub %q, want 21 digits", subject)
	}
	delete(claims, "iat")
	delete(claims, "exp")
	want := map[string]any{
		"iss": i.URL(), "aud": audience, "email": account, "email_verified": true, "sub": subject, "azp": subject,
	}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
}

func TestTokensAreCached(t *testing.T) {
	t.Parallel()
	i := issuer.New("http://localhost")
	tokens := make([]string, 4)
	var group sync.WaitGroup
	for n := range tokens {
		group.Go(func() { tokens[n], _ = i.IDToken(t.Context(), account, audience) })
	}
	group.Wait()
	for n, token := range tokens {
		if token == "" || token != tokens[0] {
			t.Errorf("token %d differs from the first: %q, %q", n, token, tokens[0])
		}
	}
	other, err := i.IDToken(t.Context(), account, audience+"2")
	if err != nil || other == tokens[0] {
		t.Errorf("token of another audience is %q, %v; want another", other, err)
	}
}

func TestOddTokensAreRefused(t *testing.T) {
	t.Parallel()
	i, verifier := serve(t)
	now := time.Now()
	tests := []struct {
		name   string
		claims issuer.Claims
		want   string // in the verifier's error; "": none
	}{
		{"as it should be", issuer.Claims{}, ""},
		{"expired", issuer.Claims{IssuedAt: now.Add(-2 * time.Hour)}, "expired"},
		{"another audience", issuer.Claims{Audience: "https://other.example"}, "audience"},
		{"another issuer", issuer.Claims{Issuer: "https://evil.example"}, "different provider"},
		{"foreign key", issuer.Claims{ForeignKey: true}, "signature"},
		{"unsigned", issuer.Claims{Unsigned: true}, "none"},
		{"no expiry", issuer.Claims{Extra: map[string]any{"exp": nil}}, "expired"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.claims.Account = account; test.claims.Audience == "" {
				test.claims.Audience = audience
			}
			raw, err := i.Mint(test.claims)
			if err != nil {
				t.Fatal(err)
			}
			_, err = verifier(audience).Verify(t.Context(), raw)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("Verify: %v, want an error that says %q", err, test.want)
			}
		})
	}
}

func TestUnverifiedEmail(t *testing.T) {
	t.Parallel()
	i, verifier := serve(t)
	raw, err := i.Mint(issuer.Claims{Account: account, Audience: audience, EmailUnverified: true, Subject: "7"})
	if err != nil {
		t.Fatal(err)
	}
	token, err := verifier(audience).Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Verified bool `json:"email_verified"`
	}
	if err := token.Claims(&claims); err != nil || claims.Verified || token.Subject != "7" {
		t.Errorf("verified %v, subject %q, %v; want false, 7", claims.Verified, token.Subject, err)
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	i, verifier := serve(t)
	mint := func() string {
		t.Helper()
		raw, err := i.IDToken(t.Context(), account, audience)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	rotate := func() {
		t.Helper()
		if err := i.Rotate(); err != nil {
			t.Fatal(err)
		}
	}
	first := mint()
	old := verifier(audience) // has fetched no keys yet: fetches the rotated ones on its own
	rotate()
	second := mint()
	for name, raw := range map[string]string{"first": first, "second": second} {
		if _, err := old.Verify(t.Context(), raw); err != nil {
			t.Errorf("%s token after one rotation: %v", name, err)
		}
	}
	rotate()
	fresh := verifier(audience)
	if _, err := fresh.Verify(t.Context(), first); err == nil {
		t.Error("the first key's token is still good after two rotations")
	}
	for name, raw := range map[string]string{"second": second, "third": mint()} {
		if _, err := old.Verify(t.Context(), raw); err != nil {
			t.Errorf("%s token after two rotations: %v", name, err)
		}
	}
}

func TestAccessToken(t *testing.T) {
	t.Parallel()
	i := issuer.New("http://localhost")
	token, err := i.AccessToken(t.Context(), account, "https://www.googleapis.com/auth/cloud-platform")
	if err != nil || !strings.HasPrefix(token, "ya29.") || len(token) < 30 {
		t.Errorf("AccessToken: %q, %v", token, err)
	}
}
