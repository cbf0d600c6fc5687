// Package issuer signs the tokens that the embedded queue sends with tasks. They are OIDC tokens like Google's, signed with RS256. It
// also serves the discovery document and the key set that verify them.
package issuer

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	lifetime = time.Hour
	// cacheFor is how long a token is reused. Signing takes about a millisecond, but a token must stay valid for a task that
	// runs for half an hour.
	cacheFor = 5 * time.Minute
	maxCache = 1000
)

// Issuer signs tokens. It is safe for concurrent use.
type Issuer struct {
	url string

	mu     sync.Mutex
	keys   []*key // the signing key, then the previous one
	tokens map[tokenKey]cachedToken
}

type tokenKey struct{ account, audience string }

type cachedToken struct {
	token string
	made  time.Time
}

// New returns an issuer with the given URL, which is the "iss" claim of its tokens. [Issuer.Handler] must be served there. The URL has
// no trailing slash. The signing key is generated on first use, which takes a few tenths of a second.
func New(url string) *Issuer {
	return &Issuer{url: url, tokens: make(map[tokenKey]cachedToken)}
}

// URL returns the issuer's URL.
func (i *Issuer) URL() string { return i.url }

// IDToken returns an OIDC token for the service account and the audience. It is valid for at least half an hour.
func (i *Issuer) IDToken(ctx context.Context, account, audience string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	k, now := tokenKey{account, audience}, time.Now()
	if cached, ok := i.tokens[k]; ok && now.Sub(cached.made).Abs() < cacheFor {
		return cached.token, nil
	}
	token, err := i.mint(Claims{Account: account, Audience: audience, IssuedAt: now})
	if err != nil {
		return "", err
	}
	if len(i.tokens) >= maxCache {
		clear(i.tokens)
	}
	i.tokens[k] = cachedToken{token, now}
	return token, nil
}

// IDTokenIssuedAt is like IDToken, but at is the current time, for handlers with another clock. The token is never cached.
func (i *Issuer) IDTokenIssuedAt(ctx context.Context, account, audience string, at time.Time) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	return i.Mint(Claims{Account: account, Audience: audience, IssuedAt: at})
}

// AccessToken returns an opaque access token that looks like Google's. It grants no access.
func (i *Issuer) AccessToken(ctx context.Context, account, scope string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	return "ya29.local." + rand.Text(), nil
}

// Claims are the claims of a token of [Issuer.Mint]. Unless set, they are those of a Google token for Account and Audience.
type Claims struct {
	Account         string         // "email"
	Audience        string         // "aud"
	Issuer          string         // "iss"; "": the issuer's URL
	Subject         string         // "sub" and "azp"; "": a number derived from Account
	IssuedAt        time.Time      // "iat"; zero: now
	Expires         time.Time      // "exp"; zero: an hour after IssuedAt
	EmailUnverified bool           // "email_verified" is false
	Extra           map[string]any // added to the claims or replacing them; a nil value removes a claim

	// At most one of these may be set.
	ForeignKey bool // signed with an unpublished key that has the ID of the published one
	Unsigned   bool // "alg" is "none" and there is no signature
}

// Mint returns a token with these claims, which need not be valid: it is for tests of code that verifies tokens. The token is never
// cached.
func (i *Issuer) Mint(claims Claims) (string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.mint(claims)
}

func (i *Issuer) mint(c Claims) (string, error) {
	payload, err := json.Marshal(i.claims(c))
	if err != nil {
		return "", fmt.Errorf("encoding a token's claims: %w", err)
	}
	if c.Unsigned {
		encode := base64.RawURLEncoding.EncodeToString
		return encode([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + encode(payload) + ".", nil
	}
	k, err := i.signingKey()
	if err != nil {
		return "", err
	}
	signer := k.signer
	if c.ForeignKey {
		foreign, err := newKey(k.id)
		if err != nil {
			return "", err
		}
		signer = foreign.signer
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	return signed.CompactSerialize()
}

func (i *Issuer) claims(c Claims) map[string]any {
	if c.IssuedAt.IsZero() {
		c.IssuedAt = time.Now()
	}
	if c.Expires.IsZero() {
		c.Expires = c.IssuedAt.Add(lifetime)
	}
	subject := cmp.Or(c.Subject, accountNumber(c.Account))
	claims := map[string]any{
		"iss": cmp.Or(c.Issuer, i.url), "aud": c.Audience, "sub": subject, "azp": subject,
		"email": c.Account, "email_verified": !c.EmailUnverified,
		"iat": c.IssuedAt.Unix(), "exp": c.Expires.Unix(),
	}
	maps.Copy(claims, c.Extra)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

// accountNumber returns 21 digits that look like a Google account's unique ID. They depend on the e-mail address only.
func accountNumber(account string) string {
	sum := sha256.Sum256([]byte(account))
	return fmt.Sprintf("1%020d", binary.BigEndian.Uint64(sum[:]))
}

// Rotate replaces the signing key. The previous key stays published until the next Rotate, so the tokens that it has signed stay valid
// until then.
func (i *Issuer) Rotate() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	previous, err := i.signingKey()
	if err != nil {
		return err
	}
	next, err := newKey("")
	if err != nil {
		return err
	}
	i.keys = []*key{next, previous}
	clear(i.tokens)
	return nil
}

// signingKey returns the current signing key. It generates the first one.
func (i *Issuer) signingKey() (*key, error) {
	if len(i.keys) == 0 {
		k, err := newKey("")
		if err != nil {
			return nil, err
		}
		i.keys = []*key{k}
	}
	return i.keys[0], nil
}

// publicKeys returns the published keys.
func (i *Issuer) publicKeys() (jose.JSONWebKeySet, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if _, err := i.signingKey(); err != nil {
		return jose.JSONWebKeySet{}, err
	}
	var set jose.JSONWebKeySet
	for _, k := range i.keys {
		set.Keys = append(set.Keys, k.public)
	}
	return set, nil
}
