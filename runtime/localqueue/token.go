package localqueue

import (
	"context"
	"time"
)

// UseTokenSource sets the token source if there is none yet (see [WithTokenSource]), and returns the service's token source. It is
// for servers of the service: a token's issuer is named after the listener's address. With nil, it only returns the source.
func (s *Service) UseTokenSource(source TokenSource) TokenSource {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.options.tokens == nil {
		s.options.tokens = source
	}
	return s.options.tokens
}

func (s *Service) tokenSource() TokenSource {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.options.tokens
}

// TokenSource makes the tokens of tasks that ask for one, at each attempt. Package issuer has one.
type TokenSource interface {
	// IDToken returns an OIDC token of the service account for the audience.
	IDToken(ctx context.Context, account, audience string) (string, error)
	// AccessToken returns an OAuth access token of the service account for the scope.
	AccessToken(ctx context.Context, account, scope string) (string, error)
}

// WithTokenSource makes the tokens of tasks that ask for an OIDC or OAuth token. Without it, such tasks are sent without an
// Authorization header, with one log line.
func WithTokenSource(source TokenSource) Option {
	return func(o *options) { o.tokens = source }
}

// datedTokenSource is a [TokenSource] that can set the time of a token.
type datedTokenSource interface {
	IDTokenIssuedAt(ctx context.Context, account, audience string, at time.Time) (string, error)
}

type skewKey struct{}

// idToken returns an ID token of source, with the clock skew that the attempt of ctx has.
func idToken(ctx context.Context, source TokenSource, account, audience string) (string, error) {
	if dated, ok := source.(datedTokenSource); ok {
		if skew, ok := ctx.Value(skewKey{}).(time.Duration); ok {
			return dated.IDTokenIssuedAt(ctx, account, audience, time.Now().Add(skew))
		}
	}
	return source.IDToken(ctx, account, audience)
}

// authorization returns the value of the Authorization header that the task asks for, "" if none.
func (s *Service) authorization(ctx context.Context, c *contents) (string, error) {
	if c.token == tokenNone {
		return "", nil
	}
	source := s.tokenSource()
	if source == nil {
		s.warnTokens.Do(func() {
			s.log.Warn("task asks for a token but the queue has no token source: it is sent without an Authorization header")
		})
		return "", nil
	}
	var token string
	var err error
	switch {
	case c.token == tokenOAuth && c.audience == "":
		token, err = source.AccessToken(ctx, c.account, defaultScope)
	case c.token == tokenOAuth:
		token, err = source.AccessToken(ctx, c.account, c.audience)
	case c.audience == "":
		token, err = idToken(ctx, source, c.account, c.url)
	default:
		token, err = idToken(ctx, source, c.account, c.audience)
	}
	return "Bearer " + token, err
}
