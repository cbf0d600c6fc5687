package cloudtask_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// checker returns a function that authenticates a token, and the issuer that is asked for its keys. It is called in
// a bubble, where time is the test's.
func checker(issuer *fakeIssuer, change func(a *cloudtask.OIDCAuthenticator)) func(ctx context.Context, token string) error {
	auth := &cloudtask.OIDCAuthenticator{Email: account, Audiences: []string{audience}, HTTPClient: issuer.client()}
	if change != nil {
		change(auth)
	}
	return func(ctx context.Context, token string) error {
		r := httptest.NewRequestWithContext(ctx, "POST", "/tasks/Greet", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		return auth.Authenticate(r)
	}
}

func TestKeysAreFetchedOnceAndShared(t *testing.T) {
	t.Parallel()
	rsaKeys()
	synctest.Test(t, func(t *testing.T) {
		issuer := googleIssuer()
		check := checker(issuer, nil)
		issuer.gate = make(chan struct{})
		var wait sync.WaitGroup
		for range 50 {
			token := issuer.token(t)
			wait.Go(func() {
				if err := check(t.Context(), token); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		close(issuer.gate)
		wait.Wait()
		for range 50 {
			if err := check(t.Context(), issuer.token(t)); err != nil {
				t.Error(err)
			}
		}
		if n := issuer.fetched(); n != 1 {
			t.Errorf("keys were fetched %d times, want once", n)
		}
	})
}

func TestKeyRotation(t *testing.T) {
	t.Parallel()
	rsaKeys()
	synctest.Test(t, func(t *testing.T) {
		issuer := googleIssuer()
		check := checker(issuer, nil)
		if err := check(t.Context(), issuer.token(t)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		issuer.set(func(i *fakeIssuer) { i.keys = map[string]any{"two": &rsaKeys()[1].PublicKey} })
		if err := check(t.Context(), issuer.token(t)); err != nil {
			t.Errorf("the old key was forgotten before it had to be: %v", err)
		}
		if err := check(t.Context(), sign(t, jose.RS256, rsaKeys()[1], "two", issuer.claims())); err != nil {
			t.Errorf("the new key was not fetched: %v", err)
		}
		time.Sleep(time.Minute)
		if err := check(t.Context(), issuer.token(t)); err == nil {
			t.Error("a key that the issuer has withdrawn is still accepted")
		}
	})
}

// Made-up key ids cost the issuer one request every few seconds, however many there are.
func TestUnknownKeysDoNotHammer(t *testing.T) {
	t.Parallel()
	rsaKeys()
	synctest.Test(t, func(t *testing.T) {
		issuer := googleIssuer()
		check := checker(issuer, nil)
		forged := sign(t, jose.RS256, rsaKeys()[2], "made up", issuer.claims())
		for range 30 * 100 {
			if err := check(t.Context(), forged); err == nil || errors.Is(err, cloudtask.ErrKeysUnavailable) {
				t.Fatalf("the forged token was judged %v", err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		if n := issuer.fetched(); n < 10 || n > 11 {
			t.Errorf("keys were fetched %d times in 30 s, want once every 3 s", n)
		}
		if err := check(t.Context(), issuer.token(t)); err != nil {
			t.Errorf("a good token in between: %v", err)
		}
	})
}

func TestKeyServerOutage(t *testing.T) {
	t.Parallel()
	rsaKeys()
	synctest.Test(t, func(t *testing.T) {
		issuer := googleIssuer()
		check := checker(issuer, nil)
		outage := errors.New("connection refused")
		issuer.set(func(i *fakeIssuer) { i.down = outage })
		for range 5 {
			if err := check(t.Context(), issuer.token(t)); !errors.Is(err, cloudtask.ErrKeysUnavailable) || !errors.Is(err, outage) {
				t.Fatalf("before any key is known: %v", err)
			}
		}
		if n := issuer.fetched(); n != 1 {
			t.Errorf("%d fetches at once during an outage, want 1", n)
		}
		issuer.set(func(i *fakeIssuer) { i.down = nil })
		time.Sleep(3 * time.Second)
		if err := check(t.Context(), issuer.token(t)); err != nil {
			t.Fatalf("the outage was remembered: %v", err)
		}
		issuer.set(func(i *fakeIssuer) { i.down = outage })
		for range 7 * 24 {
			time.Sleep(time.Hour)
			if err := check(t.Context(), issuer.token(t)); err != nil {
				t.Fatalf("with known keys, during an outage: %v", err)
			}
			if err := check(t.Context(), sign(t, jose.RS256, rsaKeys()[1], "two", issuer.claims())); !errors.Is(err, cloudtask.ErrKeysUnavailable) {
				t.Fatalf("with an unknown key, during an outage: %v", err)
			}
		}
		synctest.Wait()
	})
}

// The handler answers as to a bad token, so that Cloud Tasks tries again, and says in the log that it is not one.
func TestKeyServerOutageAnswer(t *testing.T) {
	t.Parallel()
	issuer := googleIssuer()
	issuer.down = errors.New("connection refused")
	var log jsonLog
	cfg := google(issuer)
	cfg.Logger = log.logger()
	h := newHandler(t, cfg, route(noRun(t)))
	w := post(h, "/tasks/Greet", `{"name":"Ann"}`, "Authorization", "Bearer "+issuer.token(t))
	lines := log.take(t)
	if w.Code != 401 || len(lines) != 1 || lines[0]["level"] != "ERROR" || !strings.Contains(lines[0]["error"].(string), "signing keys unavailable") {
		t.Errorf("answered %d %s, log %v", w.Code, w.Body, lines)
	}
}

func TestOldKeysAreRefreshed(t *testing.T) {
	t.Parallel()
	rsaKeys()
	tests := []struct {
		name         string
		cacheControl string
		after        time.Duration
	}{
		{"unsaid", "", time.Hour},
		{"said", "public, max-age=7200, must-revalidate", 2 * time.Hour},
		{"said in capitals", "Max-Age=7200", 2 * time.Hour},
		{"too short", "max-age=0", 5 * time.Minute},
		{"too long", "max-age=31536000", 24 * time.Hour},
		{"malformed", "max-age=soon", time.Hour},
		{"overflowing", "max-age=99999999999999999999", time.Hour},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				issuer := googleIssuer()
				issuer.header = http.Header{"Cache-Control": {test.cacheControl}}
				check := checker(issuer, nil)
				ask := func(want int) {
					t.Helper()
					if err := check(t.Context(), issuer.token(t)); err != nil {
						t.Error(err)
					}
					synctest.Wait()
					if n := issuer.fetched(); n != want {
						t.Errorf("keys were fetched %d times, want %d", n, want)
					}
				}
				ask(1)
				time.Sleep(test.after)
				ask(1)
				time.Sleep(time.Second)
				ask(2) // beside the request, which was judged by the old keys
			})
		})
	}
}

// A fetch serves everybody: it must not end with the request that happened to need it first, nor never.
func TestFetchOutlivesItsRequest(t *testing.T) {
	t.Parallel()
	rsaKeys()
	synctest.Test(t, func(t *testing.T) {
		issuer := googleIssuer()
		check := checker(issuer, nil)
		issuer.gate = make(chan struct{})
		first, cancel := context.WithCancel(t.Context())
		token := issuer.token(t)
		var second error
		var wait sync.WaitGroup
		wait.Go(func() {
			if err := check(first, token); !errors.Is(err, cloudtask.ErrKeysUnavailable) || !errors.Is(err, context.Canceled) {
				t.Errorf("the cancelled request got %v", err)
			}
		})
		synctest.Wait()
		wait.Go(func() { second = check(t.Context(), token) })
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(issuer.gate)
		wait.Wait()
		if second != nil {
			t.Errorf("the request that waited got %v", second)
		}
		if n := issuer.fetched(); n != 1 {
			t.Errorf("keys were fetched %d times, want once", n)
		}
	})
}

func TestFetchTimesOut(t *testing.T) {
	t.Parallel()
	rsaKeys()
	synctest.Test(t, func(t *testing.T) {
		issuer := googleIssuer()
		check := checker(issuer, nil)
		issuer.gate = make(chan struct{})
		start := time.Now()
		if err := check(t.Context(), issuer.token(t)); !errors.Is(err, cloudtask.ErrKeysUnavailable) || time.Since(start) != 10*time.Second {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
	})
}

func TestKeyServerAnswers(t *testing.T) {
	t.Parallel()
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	const own = "https://issuer.example"
	tests := []struct {
		name   string
		issuer *fakeIssuer
		change func(i *fakeIssuer)
		says   string // in the error; "" for none
	}{
		{"discovered", newIssuer(own, own+"/keys"), nil, ""},
		{"keys elsewhere", newIssuer(own, "https://keys.example/"), nil, ""},
		{"keys by plain HTTP", newIssuer(own, "http://keys.example/"), nil, "not https"},
		{"document of another issuer", newIssuer(own, own+"/keys"), func(i *fakeIssuer) { i.claimed = "https://evil.example" }, `is of issuer "https://evil.example"`},
		{"error status", newIssuer(own, own+"/keys"), func(i *fakeIssuer) { i.status = 503 }, "status 503"},
		{"redirect", newIssuer(own, own+"/keys"), func(i *fakeIssuer) { i.status, i.header = 302, http.Header{"Location": {"https://evil.example"}} }, "status 302"},
		{"no JSON", googleIssuer(), func(i *fakeIssuer) { i.body = "<html>" }, "invalid character"},
		{"too long", googleIssuer(), func(i *fakeIssuer) { i.body = `{"keys":[]}` + strings.Repeat(" ", 1<<20) }, "over 1048576 bytes"},
		{"no key", googleIssuer(), func(i *fakeIssuer) { i.keys = nil }, "none of the 0 keys"},
		{"only a weak key", googleIssuer(), func(i *fakeIssuer) { i.keys = map[string]any{"one": &small.PublicKey} }, "none of the 1 keys"},
		{"symmetric key", googleIssuer(), func(i *fakeIssuer) { i.keys = map[string]any{"one": []byte("0123456789abcdef")} }, "none of the 1 keys"},
		{"key of an unknown kind", googleIssuer(), func(i *fakeIssuer) { i.body = `{"keys":[{"kty":"new","kid":"one"}]}` }, "none of the 1 keys"},
		{"key without an id", googleIssuer(), func(i *fakeIssuer) { i.keys = map[string]any{"": &rsaKeys()[0].PublicKey} }, "none of the 1 keys"},
		{"other keys beside", googleIssuer(), func(i *fakeIssuer) { i.keys["weak"] = &small.PublicKey; i.keys["secret"] = []byte("0123456789abcdef") }, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.change != nil {
				test.change(test.issuer)
			}
			err := checker(test.issuer, func(a *cloudtask.OIDCAuthenticator) {
				if test.issuer.url == own {
					a.Issuers = []string{own}
				}
			})(t.Context(), test.issuer.token(t))
			switch {
			case test.says == "" && err != nil:
				t.Error(err)
			case test.says != "" && (!errors.Is(err, cloudtask.ErrKeysUnavailable) || !strings.Contains(err.Error(), test.says)):
				t.Errorf("error %v, want one that says %q", err, test.says)
			}
		})
	}
}
