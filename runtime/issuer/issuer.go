// Package issuer makes and publishes the tokens that the embedded queue sends with tasks: OIDC tokens like Google's,
// signed with RS256, and what verifies them, a discovery document and a key set.
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
	// cacheFor is how long a token is given out again. Signing costs about a millisecond, and a token that is about to
	// expire is of no use to a task that runs for half an hour.
	cacheFor = 5 * time.Minute
	maxCache = 1000
)

// Issuer signs tokens. See [New]. Its methods may be called concurrently.
type Issuer struct {
	url string

	mu     sync.Mutex
	keys   []*key // the signing key, then the one before it
	tokens map[tokenKey]cachedToken
}

type tokenKey struct{ account, audience string }

type cachedToken struct {
	token string
	made  time.Time
}

// New returns an issuer of the URL, which becomes the tokens' "iss" and must be where [Issuer.Handler] is served from,
// without a slash at its end. The signing key is made on first use, which takes some tenths of a second.
func New(url string) *Issuer {
	return &Issuer{url: url, tokens: make(map[tokenKey]cachedToken)}
}

// URL returns the issuer's URL.
func (i *Issuer) URL() string { return i.url }

// IDToken returns an OIDC token of the service account for the audience, valid for at least half an hour.
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

// IDTokenIssuedAt is IDToken by a clock that shows at: for handlers whose clock is another. The token is never cached.
func (i *Issuer) IDTokenIssuedAt(ctx context.Context, account, audience string, at time.Time) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	return i.Mint(Claims{Account: account, Audience: audience, IssuedAt: at})
}

// AccessToken returns an opaque access token in the form of Google's. It opens nothing.
func (i *Issuer) AccessToken(ctx context.Context, account, scope string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	return "ya29.local." + rand.Text(), nil
}

// Claims says how a token of [Issuer.Mint] differs from one that Google would make for Account and Audience.
type Claims struct {
	Account         string         // "email"
	Audience        string         // "aud"
	Issuer          string         // "iss"; "": the issuer's URL
	Subject         string         // "sub" and "azp"; "": a number derived from Account
	IssuedAt        time.Time      // "iat"; zero: now
	Expires         time.Time      // "exp"; zero: an hour after IssuedAt
	EmailUnverified bool           // "email_verified" is false
	Extra           map[string]any // added to the claims, or put in their place; nil leaves a claim out

	// At most one of these.
	ForeignKey bool // signed with a key that is not published, under the id of the one that is
	Unsigned   bool // "alg" is "none" and there is no signature
}

// Mint returns a token of these claims, which may be odd on purpose: it is for tests of those who verify tokens. It is
// never cached.
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

// accountNumber returns 21 digits like a Google account's unique id, always the same for an e-mail address.
func accountNumber(account string) string {
	sum := sha256.Sum256([]byte(account))
	return fmt.Sprintf("1%020d", binary.BigEndian.Uint64(sum[:]))
}

// Rotate makes a new signing key. The one before it stays published until the next Rotate, and the tokens that it
// signed stay good meanwhile.
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

// signingKey returns the key that signs, made now if there is none.
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

// publicKeys returns the keys that verify.
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
