package cloudtask_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// google is a configuration whose tokens are Google's, as the fixture serves them.
func google(issuer *fakeIssuer) cloudtask.Config {
	return cloudtask.Config{
		BaseURL: audience,
		Authenticator: &cloudtask.OIDCAuthenticator{
			Email: account, Audiences: []string{"https://other.example", audience}, HTTPClient: issuer.client(),
		},
	}
}

func TestTokensAccepted(t *testing.T) {
	t.Parallel()
	issuer := googleIssuer()
	tests := []struct {
		name          string
		authorization string
	}{
		{"as Cloud Tasks sends it", "Bearer " + issuer.token(t)},
		{"scheme in lower case", "bearer " + issuer.token(t)},
		{"scheme in upper case, more spaces", "BEARER   " + issuer.token(t) + " "},
		{"Google's other spelling", "Bearer " + issuer.token(t, claim("iss", "accounts.google.com"))},
		{"the other audience", "Bearer " + issuer.token(t, claim("aud", "https://other.example"))},
		{"one of several audiences", "Bearer " + issuer.token(t, claim("aud", []string{"https://nobody.example", audience}))},
		{"expired a moment ago", "Bearer " + issuer.token(t, claim("exp", time.Now().Add(-2*time.Second).Unix()))},
		{"issued a moment ahead", "Bearer " + issuer.token(t, claim("iat", time.Now().Add(20*time.Second).Unix()))},
		{"valid from a moment ahead", "Bearer " + issuer.token(t, claim("nbf", time.Now().Add(20*time.Second).Unix()))},
		{"more claims", "Bearer " + issuer.token(t, claim("azp", "1"), claim("google", map[string]any{"x": 1}))},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ran := false
			h := newHandler(t, google(issuer), route(func(context.Context, string) error { ran = true; return nil }))
			w := post(h, "/tasks/Greet", `{"name":"Ann"}`, "Authorization", test.authorization)
			if w.Code != 200 || !ran {
				t.Errorf("answered %d %s", w.Code, w.Body)
			}
		})
	}
}

func TestTokensRefused(t *testing.T) {
	t.Parallel()
	issuer := googleIssuer()
	keys := rsaKeys()
	public, err := x509.MarshalPKIXPublicKey(&keys[0].PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	elliptical, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := issuer.token(t)
	parts := strings.Split(good, ".")
	encode := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	unsigned := encode(map[string]string{"alg": "none", "kid": "one"}) + "." + encode(issuer.claims()) + "."
	late := func(name string, by time.Duration) string {
		return issuer.token(t, claim(name, time.Now().Add(by).Unix()))
	}
	tests := []struct {
		name   string
		tokens []string // of as many headers; the whole value where it has a space
		says   string   // in the log
	}{
		{"none", nil, "no Authorization header"},
		{"two", []string{good, good}, "more than one Authorization header"},
		{"empty", []string{" "}, "not of the form"},
		{"only the scheme", []string{"Bearer "}, "no token"},
		{"other scheme", []string{"Basic " + good}, "not of the form"},
		{"without a scheme", []string{" " + good}, "not of the form"},
		{"garbage", []string{"garbage"}, "malformed"},
		{"dots", []string{".."}, "malformed"},
		{"truncated", []string{good[:len(good)-10]}, "signature does not verify"},
		{"without its signature", []string{parts[0] + "." + parts[1] + "."}, "malformed"},
		{"signature removed by Cloud Run", []string{parts[0] + "." + parts[1] + ".SIGNATURE_REMOVED_BY_GOOGLE"}, "or set InsecureNoAuth"},
		{"full serialisation", []string{`{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`}, "malformed"},
		{"two tokens in one", []string{"Bearer " + good + " " + good}, "malformed"},
		{"huge", []string{strings.Repeat("x", 1<<20)}, "longer than"},
		{"unsigned", []string{unsigned}, "malformed or not signed with RS256"},
		{"unsigned, with another's signature", []string{unsigned + parts[2]}, "malformed or not signed with RS256"},
		{"HS256 with the public key", []string{sign(t, jose.HS256, public, "one", issuer.claims())}, "not signed with RS256"},
		{"PS256", []string{sign(t, jose.PS256, keys[0], "one", issuer.claims())}, "not signed with RS256"},
		{"RS512", []string{sign(t, jose.RS512, keys[0], "one", issuer.claims())}, "not signed with RS256"},
		{"ES256", []string{sign(t, jose.ES256, elliptical, "one", issuer.claims())}, "not signed with RS256"},
		{"forged: another key under a known id", []string{sign(t, jose.RS256, keys[2], "one", issuer.claims())}, "signature does not verify"},
		{"forged: claims exchanged", []string{parts[0] + "." + encode(issuer.claims(claim("sub", "0"))) + "." + parts[2]}, "signature does not verify"},
		{"forged: own key in the header", []string{signWith(t, jose.RS256, keys[2], "one", issuer.claims(), &jose.SignerOptions{EmbedJWK: true})}, "signature does not verify"},
		{"unknown key", []string{sign(t, jose.RS256, keys[2], "three", issuer.claims())}, "a key that its issuer does not have"},
		{"without a key id", []string{sign(t, jose.RS256, keys[0], "", issuer.claims())}, "does not name its key"},
		{"expired", []string{late("exp", -time.Hour)}, "expired"},
		{"expired for longer than clocks differ", []string{late("exp", -32*time.Second)}, "expired"},
		{"without an expiry", []string{issuer.token(t, claim("exp", nil))}, "when it expires"},
		{"without a time of issue", []string{issuer.token(t, claim("iat", nil))}, "was issued"},
		{"not yet valid", []string{late("nbf", time.Hour)}, "not valid yet"},
		{"issued in the future", []string{late("iat", time.Hour)}, "issued in the future"},
		{"wrong audience", []string{issuer.token(t, claim("aud", "https://nobody.example"))}, `audience is ["https://nobody.example"]`},
		{"audience with a slash more", []string{issuer.token(t, claim("aud", audience+"/"))}, "audience"},
		{"without an audience", []string{issuer.token(t, claim("aud", nil))}, "audience"},
		{"wrong account", []string{issuer.token(t, claim("email", "eve@project.iam.gserviceaccount.com"))}, `account "eve@`},
		{"without an account", []string{issuer.token(t, claim("email", nil))}, `account ""`},
		{"unverified e-mail", []string{issuer.token(t, claim("email_verified", false))}, "not verified"},
		{"without a word on the e-mail", []string{issuer.token(t, claim("email_verified", nil))}, "not verified"},
		{"e-mail verified in words", []string{issuer.token(t, claim("email_verified", "true"))}, "malformed"},
		{"wrong issuer", []string{issuer.token(t, claim("iss", "https://issuer.example"))}, `issuer is "https://issuer.example"`},
		{"without an issuer", []string{issuer.token(t, claim("iss", nil))}, `issuer is ""`},
		{"issuer by plain HTTP", []string{issuer.token(t, claim("iss", "http://accounts.google.com"))}, "issuer is"},
		{"claims that are no object", []string{sign(t, jose.RS256, keys[0], "one", json.RawMessage(`[1]`))}, "malformed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var log jsonLog
			cfg := google(issuer)
			cfg.Logger = log.logger()
			h := newHandler(t, cfg, route(noRun(t)))
			// The body must not be read for a stranger: this one fails when it is.
			r := httptest.NewRequest("POST", "/tasks/Greet", iotest.ErrReader(errors.New("body was read")))
			for _, token := range test.tokens {
				if !strings.Contains(token, " ") {
					token = "Bearer " + token
				}
				r.Header.Add("Authorization", token)
			}
			r.Header.Set("X-CloudTasks-TaskName", "forged-id")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != 401 || w.Body.String() != `{"error":"unauthenticated"}` || w.Header().Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("answered %d %s %v", w.Code, w.Body, w.Header())
			}
			text := log.String()
			lines := log.take(t)
			if len(lines) != 1 || lines[0]["level"] != "WARN" || lines[0]["outcome"] != "unauthenticated" {
				t.Fatalf("log %s", text)
			}
			if reason, _ := lines[0]["error"].(string); !strings.Contains(reason, test.says) {
				t.Errorf("log says %q, want %q", reason, test.says)
			}
			if strings.Contains(text, "forged-id") {
				t.Error("a header of an unauthenticated request was believed")
			}
			for _, token := range test.tokens {
				for part := range strings.SplitSeq(strings.TrimPrefix(token, "Bearer "), ".") {
					if len(part) > 20 && strings.Contains(text, part[:20]) {
						t.Errorf("the log has a part of the token: %s", text)
					}
				}
			}
		})
	}
}

// A stranger must not learn which tasks there are, nor how large a payload may be.
func TestStrangersLearnNothing(t *testing.T) {
	t.Parallel()
	cfg := google(googleIssuer())
	cfg.MaxBody = 10
	h := newHandler(t, cfg, route(noRun(t)))
	known := post(h, "/tasks/Greet", `{"name":"Ann"}`)
	for _, path := range []string{"/tasks/Nobody", "/tasks/", "/"} {
		w := post(h, path, "{}")
		if w.Code != 401 || w.Body.String() != known.Body.String() {
			t.Errorf("%s answered %d %s, the known task %d %s", path, w.Code, w.Body, known.Code, known.Body)
		}
	}
}

// The default authenticator is made of the configuration.
func TestEmulatorsTokens(t *testing.T) {
	t.Parallel()
	issuer := newIssuer("", "")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Scheme, r.URL.Host = "http", r.Host
		answer, err := issuer.RoundTrip(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		io.Copy(w, answer.Body)
	}))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	_, port, _ := strings.Cut(host, ":")
	issuer.url, issuer.keysURL = server.URL, server.URL+"/jwks"
	h := newHandler(t, cloudtask.Config{BaseURL: audience, ServiceAccount: account, EmulatorHost: host},
		route(func(context.Context, string) error { return nil }))
	for _, test := range []struct {
		issuer string
		status int
	}{
		{server.URL, 200},
		{"http://localhost:" + port, 200}, // another name of the same address
		{"http://emulator.example:" + port, 401},
		{"https://accounts.google.com", 401},
	} {
		w := post(h, "/tasks/Greet", `{"name":"Ann"}`, "Authorization", "Bearer "+issuer.token(t, claim("iss", test.issuer)))
		if w.Code != test.status {
			t.Errorf("token of %s: answered %d %s", test.issuer, w.Code, w.Body)
		}
	}
}

// A handler accepts tokens of the accounts that it is told of, and of no other.
func TestAcceptedServiceAccounts(t *testing.T) {
	t.Parallel()
	issuer := googleIssuer()
	const scheduler, before = "scheduler@p.iam.gserviceaccount.com", "before@q.iam.gserviceaccount.com"
	for _, auth := range []*cloudtask.OIDCAuthenticator{
		{Email: account, AcceptedEmails: []string{scheduler, before}},
		{AcceptedEmails: []string{account, scheduler, before}},
	} {
		auth.Audiences, auth.HTTPClient = []string{audience}, issuer.client()
		h := newHandler(t, cloudtask.Config{BaseURL: audience, Authenticator: auth}, route(func(context.Context, string) error { return nil }))
		for _, test := range []struct {
			email    any
			verified bool
			status   int
		}{
			{account, true, 200},
			{scheduler, true, 200},
			{before, true, 200},
			{before, false, 401},
			{"other@p.iam.gserviceaccount.com", true, 401},
			{"", true, 401},
			{nil, true, 401},
		} {
			w := post(h, "/tasks/Greet", `{"name":"Ann"}`, "Authorization", "Bearer "+issuer.token(t, claim("email", test.email), claim("email_verified", test.verified)))
			if w.Code != test.status {
				t.Errorf("token of %v, verified: %t: answered %d %s", test.email, test.verified, w.Code, w.Body)
			}
		}
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("Authorization", "Bearer "+issuer.token(t, claim("email", "other@p.iam.gserviceaccount.com")))
		wantError(t, auth.Authenticate(r), `account "other@p.iam.gserviceaccount.com", want one of`, account, scheduler, before)
	}
}

func TestOwnAuthenticator(t *testing.T) {
	t.Parallel()
	cfg := cloudtask.Config{Authenticator: secret("open sesame")}
	h := newHandler(t, cfg, route(func(context.Context, string) error { return nil }))
	if w := post(h, "/tasks/Greet", `{"name":"Ann"}`, "X-Secret", "open sesame"); w.Code != 200 {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	if w := post(h, "/tasks/Greet", `{"name":"Ann"}`, "X-Secret", "please"); w.Code != 401 {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
}

type secret string

func (s secret) Authenticate(r *http.Request) error {
	if r.Header.Get("X-Secret") != string(s) {
		return errors.New("wrong secret")
	}
	return nil
}

// Without somebody to expect, nobody is let in.
func TestIncompleteAuthenticator(t *testing.T) {
	t.Parallel()
	issuer := googleIssuer()
	for name, auth := range map[string]*cloudtask.OIDCAuthenticator{
		"no account":  {Audiences: []string{audience}, HTTPClient: issuer.client()},
		"no audience": {Email: account, HTTPClient: issuer.client()},
	} {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("Authorization", "Bearer "+issuer.token(t, claim("email", nil), claim("aud", nil)))
		if err := auth.Authenticate(r); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
