package cloudtask

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// keySet holds an issuer's public keys. A key that is known is used even when it has become old, while newer ones are
// fetched beside; only a token with an unknown key waits for a fetch. Tokens with made-up key ids cannot make it
// fetch more often than every keyFetchInterval, and a fetch ends with its own time-out, not with a request's context.
type keySet struct {
	mu     sync.Mutex
	keys   map[string]*rsa.PublicKey // by key id
	old    time.Time                 // when the keys should be fetched again
	tried  time.Time                 // when the last fetch began
	err    error                     // of the last fetch
	flight chan struct{}             // closed when the running fetch ends; nil while none runs
}

const (
	keyFetchInterval = 3 * time.Second  // between the beginnings of two fetches
	keyFetchTimeout  = 10 * time.Second // of one fetch, with discovery
	keySetLimit      = 1 << 20          // bytes of an answer

	keyMaxAge      = time.Hour       // of keys whose server does not say
	leastKeyMaxAge = 5 * time.Minute // if the server says less
	mostKeyMaxAge  = 24 * time.Hour  // if the server says more
	minRSABits     = 2048            // RFC 7518, section 3.3
)

// fetchedKeys is the answer of an issuer's key server.
type fetchedKeys struct {
	keys   map[string]*rsa.PublicKey
	maxAge time.Duration
}

var errUnknownKey = errors.New("the token is signed with a key that its issuer does not have")

// key returns the key of that id. The error wraps ErrKeysUnavailable when fetch failed, and is errUnknownKey when
// the issuer has no such key.
func (s *keySet) key(ctx context.Context, kid string, fetch func(context.Context) (fetchedKeys, error)) (*rsa.PublicKey, error) {
	s.mu.Lock()
	key := s.keys[kid]
	now := time.Now()
	if s.flight == nil && (key == nil || now.After(s.old)) && (s.tried.IsZero() || now.Sub(s.tried) >= keyFetchInterval) {
		s.tried, s.flight = now, make(chan struct{})
		go s.refresh(fetch, s.flight)
	}
	flight := s.flight
	s.mu.Unlock()
	if key != nil {
		return key, nil
	}
	if flight != nil {
		select {
		case <-flight:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", ErrKeysUnavailable, ctx.Err())
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if key := s.keys[kid]; key != nil {
		return key, nil
	}
	if s.err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeysUnavailable, s.err)
	}
	return nil, errUnknownKey
}

// refresh fetches the keys and replaces those that are known: one that the issuer has withdrawn is forgotten.
func (s *keySet) refresh(fetch func(context.Context) (fetchedKeys, error), flight chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), keyFetchTimeout)
	defer cancel()
	fetched, err := fetch(ctx)

	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
	if err == nil {
		s.keys, s.old = fetched.keys, time.Now().Add(fetched.maxAge)
	}
	s.flight = nil
	close(flight)
}

// discoverKeysURL returns the jwks_uri of the first issuer's discovery document.
func discoverKeysURL(ctx context.Context, client *http.Client, issuers []string) (string, error) {
	var document struct {
		Issuer  string `json:"issuer"`
		KeysURL string `json:"jwks_uri"`
	}
	url := strings.TrimSuffix(issuers[0], "/") + "/.well-known/openid-configuration"
	if _, err := getJSON(ctx, client, url, &document); err != nil {
		return "", fmt.Errorf("discovering the keys of issuer %s: %w", issuers[0], err)
	}
	switch {
	case !slices.Contains(issuers, document.Issuer):
		return "", fmt.Errorf("discovering the keys of issuer %s: %s is of issuer %q", issuers[0], url, document.Issuer)
	case !strings.HasPrefix(document.KeysURL, "https://") && !strings.HasPrefix(issuers[0], "http://"):
		return "", fmt.Errorf("discovering the keys of issuer %s: jwks_uri %q is not https", issuers[0], document.KeysURL)
	}
	return document.KeysURL, nil
}

// fetchKeys gets a JSON Web Key Set. Keys that cannot sign a token for us are left out, of whatever kind they are: an
// issuer may have them for other purposes.
func fetchKeys(ctx context.Context, client *http.Client, url string) (fetchedKeys, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	header, err := getJSON(ctx, client, url, &set)
	if err != nil {
		return fetchedKeys{}, fmt.Errorf("fetching keys: %w", err)
	}
	keys := make(map[string]*rsa.PublicKey, len(set.Keys))
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if err := json.Unmarshal(raw, &key); err != nil {
			continue
		}
		public, ok := key.Key.(*rsa.PublicKey)
		if ok && key.KeyID != "" && (key.Use == "" || key.Use == "sig") && (key.Algorithm == "" || key.Algorithm == string(jose.RS256)) &&
			public.N.BitLen() >= minRSABits {
			keys[key.KeyID] = public
		}
	}
	if len(keys) == 0 {
		return fetchedKeys{}, fmt.Errorf("fetching keys: none of the %d keys of %s is an RS256 key with an id", len(set.Keys), url)
	}
	return fetchedKeys{keys, maxAge(header)}, nil
}

// getJSON decodes what the URL serves, up to keySetLimit, and returns the answer's headers.
func getJSON(ctx context.Context, client *http.Client, url string, into any) (http.Header, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	if client == nil {
		client = http.DefaultClient
	}
	direct := *client
	direct.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := direct.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: status %d, want 200", url, response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, keySetLimit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("GET %s: %w", url, err)
	case len(body) > keySetLimit:
		return nil, fmt.Errorf("GET %s: answer over %d bytes", url, keySetLimit)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return nil, fmt.Errorf("GET %s: %w", url, err)
	}
	return response.Header, nil
}

// maxAge returns for how long an answer's keys are taken to be current.
func maxAge(h http.Header) time.Duration {
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		value, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(directive)), "max-age=")
		if !ok {
			continue
		}
		if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
			return min(max(time.Duration(seconds)*time.Second, leastKeyMaxAge), mostKeyMaxAge)
		}
	}
	return keyMaxAge
}
