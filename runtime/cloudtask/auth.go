package cloudtask

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Authenticator decides whether a request may run a task. [Config].Authenticator replaces the check of the OIDC token, for example by
// mutual TLS or a shared secret.
type Authenticator interface {
	// Authenticate returns an error if the request may not run a task. It is called before any other header is trusted, and must not
	// read the body. The error is logged, so it must not contain a secret. It is never sent to the caller.
	Authenticate(r *http.Request) error
}

// ErrKeysUnavailable is wrapped by errors of [OIDCAuthenticator] when a token cannot be checked because the issuer's keys cannot be
// fetched. The request is refused like one with a bad token, and logged as an error.
var ErrKeysUnavailable = errors.New("signing keys unavailable")

// OIDCAuthenticator accepts requests with the OIDC token of a service account, as Cloud Tasks sends it with tasks that have one. The
// token comes as "Authorization: Bearer TOKEN". It must be signed with RS256 by a key of the issuer, unexpired, for one of the audiences,
// and for the verified e-mail address of the account.
//
// Keys are fetched on first use, cached, and fetched again when they are old or when a token names an unknown key, at most every few
// seconds. Cached keys stay in use while the issuer's server cannot be reached.
//
// On Cloud Run, allow unauthenticated invocations (the role run.invoker for allUsers): a service that requires authentication gets
// tokens without their signature, which are refused here. Use Config.InsecureNoAuth there if only the service account may invoke
// the service.
//
// [NewHandler] makes one from its [Config]. It must not be copied, and its fields must not change after first use. It is safe for
// concurrent use.
type OIDCAuthenticator struct {
	Email          string   // of the service account; required unless AcceptedEmails has one
	AcceptedEmails []string // of further service accounts
	Audiences      []string // one of which the token must be for; required

	// Issuers are the accepted spellings of the token's issuer. Empty: Google's two, https://accounts.google.com and
	// accounts.google.com.
	Issuers []string
	// KeysURL is where the issuer serves its JSON Web Key Set. Empty: Google's for Google, else what the discovery
	// document of the first issuer says, at ISSUER/.well-known/openid-configuration.
	KeysURL string
	// HTTPClient fetches the keys; nil: http.DefaultClient. Redirects are not followed.
	HTTPClient *http.Client

	keys keySet
}

const (
	googleIssuer  = "https://accounts.google.com"
	googleKeysURL = "https://www.googleapis.com/oauth2/v3/certs"

	// Cloud Run puts this in place of the signature where it demands authentication itself.
	removedSignature = ".SIGNATURE_REMOVED_BY_GOOGLE"

	maxTokenSize = 16 << 10         // bytes; Google's are about 1 kB
	clockLeeway  = 30 * time.Second // by which clocks may differ
)

// authenticator returns the authenticator of the configuration; nil if nothing is to be checked. Without a service account, which a valid
// configuration has, it refuses every request.
func (cfg Config) authenticator() Authenticator {
	switch {
	case cfg.InsecureNoAuth:
		return nil
	case cfg.Authenticator != nil:
		return cfg.Authenticator
	}
	auth := &OIDCAuthenticator{Email: cfg.ServiceAccount, AcceptedEmails: cfg.AcceptedServiceAccounts, Audiences: cfg.Audiences}
	if cfg.EmulatorHost != "" {
		auth.Issuers = emulatorIssuers(cfg.EmulatorHost)
	}
	return auth
}

// emulatorIssuers returns the issuer of the embedded queue at the address. A loopback address has three spellings, and the queue may have
// been started with another one than the handler's.
func emulatorIssuers(address string) []string {
	issuers := []string{"http://" + address}
	host, port, err := net.SplitHostPort(address)
	loopback := []string{"localhost", "127.0.0.1", "::1"}
	if err != nil || !slices.Contains(loopback, host) {
		return issuers
	}
	for _, other := range loopback {
		if other != host {
			issuers = append(issuers, "http://"+net.JoinHostPort(other, port))
		}
	}
	return issuers
}

// tokenClaims are the claims of a token that are checked.
type tokenClaims struct {
	jwt.Claims
	Email         string `json:"email"`
	EmailVerified bool   `json:"email_verified"`
}

// Authenticate implements [Authenticator].
func (a *OIDCAuthenticator) Authenticate(r *http.Request) error {
	if a.Email == "" && len(a.AcceptedEmails) == 0 || len(a.Audiences) == 0 {
		return errors.New("the authenticator has no e-mail address or no audience to compare with")
	}
	raw, err := bearerToken(r.Header)
	if err != nil {
		return err
	}
	if strings.HasSuffix(raw, removedSignature) {
		return errors.New("the token has no signature any more, because Cloud Run has checked and removed it: " +
			"let the service be invoked without authentication, because this handler authenticates, or set InsecureNoAuth " +
			"(CLOUDTASK_INSECURE_NO_AUTH), because Cloud Run does")
	}
	// Nothing in a token can be trusted before its signature is verified: no error repeats any of it.
	token, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil || len(token.Headers) != 1 {
		return errors.New("the token is malformed or not signed with RS256")
	}
	kid := token.Headers[0].KeyID
	if kid == "" {
		return errors.New("the token does not name its key")
	}
	key, err := a.keys.key(r.Context(), kid, a.fetchKeys)
	if err != nil {
		return err
	}
	var claims tokenClaims
	if err := token.Claims(key, &claims); err != nil {
		return errors.New("the token's signature does not verify, or its claims are malformed")
	}
	return a.check(&claims, time.Now())
}

// check checks the claims of a token with a valid signature.
func (a *OIDCAuthenticator) check(claims *tokenClaims, now time.Time) error {
	issuers := a.Issuers
	if len(issuers) == 0 {
		issuers = []string{googleIssuer, strings.TrimPrefix(googleIssuer, "https://")}
	}
	switch {
	case !slices.Contains(issuers, claims.Issuer):
		return fmt.Errorf("the token's issuer is %q, want one of %q", claims.Issuer, issuers)
	case claims.Expiry == nil || claims.IssuedAt == nil:
		return errors.New("the token does not say when it expires or was issued")
	}
	if err := claims.ValidateWithLeeway(jwt.Expected{Time: now}, clockLeeway); err != nil {
		return fmt.Errorf("the token, issued %s and expiring %s, is not valid now: %w",
			claims.IssuedAt.Time().UTC().Format(time.RFC3339), claims.Expiry.Time().UTC().Format(time.RFC3339), err)
	}
	switch {
	case !slices.ContainsFunc(a.Audiences, claims.Audience.Contains):
		return fmt.Errorf("the token's audience is %q, want one of %q", claims.Audience, a.Audiences)
	case !a.accepts(claims.Email):
		return fmt.Errorf("the token is for account %q, want %s", claims.Email, a.wanted())
	case !claims.EmailVerified:
		return fmt.Errorf("the token's e-mail address %q is not verified", claims.Email)
	}
	return nil
}

// accepts reports whether the account is one of those whose tokens are accepted.
func (a *OIDCAuthenticator) accepts(email string) bool {
	return email != "" && (email == a.Email || slices.Contains(a.AcceptedEmails, email))
}

// wanted names the accounts for a message.
func (a *OIDCAuthenticator) wanted() string {
	emails := a.AcceptedEmails
	if a.Email != "" {
		emails = append([]string{a.Email}, emails...)
	}
	if len(emails) == 1 {
		return strconv.Quote(emails[0])
	}
	return fmt.Sprintf("one of %q", emails)
}

// bearerToken returns the token of the request's one Authorization header.
func bearerToken(h http.Header) (string, error) {
	values := h["Authorization"]
	switch {
	case len(values) == 0:
		return "", errors.New("no Authorization header")
	case len(values) > 1:
		return "", errors.New("more than one Authorization header")
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	token = strings.Trim(token, " ")
	switch {
	case !strings.EqualFold(scheme, "Bearer"):
		return "", errors.New("the Authorization header is not of the form Bearer TOKEN")
	case token == "":
		return "", errors.New("the Authorization header has no token")
	case len(token) > maxTokenSize:
		return "", fmt.Errorf("the token is longer than %d bytes", maxTokenSize)
	}
	return token, nil
}

// fetchKeys gets the issuer's keys.
func (a *OIDCAuthenticator) fetchKeys(ctx context.Context) (fetchedKeys, error) {
	url := a.KeysURL
	switch {
	case url != "":
	case len(a.Issuers) == 0:
		url = googleKeysURL
	default:
		discovered, err := discoverKeysURL(ctx, a.HTTPClient, a.Issuers)
		if err != nil {
			return fetchedKeys{}, err
		}
		url = discovered
	}
	return fetchKeys(ctx, a.HTTPClient, url)
}
