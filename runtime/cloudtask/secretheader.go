package cloudtask

import "strings"

// IsSecretHeader reports whether a header of this name is known to carry credentials, or claims about who sent a request.
// It is the one list by which such values are kept out of saved failures, propagated headers, the embedded queue's page
// and redirects, and what the operator's command prints and replays. Case does not matter.
//
// Three kinds of names are on it:
//   - those with a word that ends in authorization, cookie, token, secret, password, credential, jwt, userinfo or apikey,
//     with or without an s, or that end in api-key;
//   - those of proxies and platforms that authenticate users and tell the server whom they have found: Google's IAP,
//     Endpoints, API Gateway, App Engine and App Check, Amazon's load balancers, Azure's App Service and Functions,
//     Cloudflare, oauth2-proxy, Envoy and others;
//   - identities that a web server passes on, such as X-Forwarded-User and Remote-User.
func IsSecretHeader(name string) bool {
	lower := strings.ToLower(name)
	for word := range strings.FieldsFuncSeq(lower, func(r rune) bool { return r == '-' || r == '_' }) {
		for _, telling := range []string{"authorization", "cookie", "token", "secret", "password", "credential", "jwt", "userinfo", "apikey"} {
			if strings.HasSuffix(strings.TrimSuffix(word, "s"), telling) {
				return true
			}
		}
	}
	switch lower {
	case "dpop", "cookie2", "api-key", "x-auth-key", "x-functions-key", "x-rapidapi-key", "ocp-apim-subscription-key",
		"x-firebase-appcheck", "x-goog-firebase-installations-auth",
		"x-forwarded-user", "x-forwarded-email", "x-forwarded-groups", "x-forwarded-preferred-username", "x-forwarded-client-cert",
		"remote-user", "remote-email", "remote-groups", "remote-name", "x-remote-user", "x-remote-group", "x-remote-groups",
		"x-webauth-user", "x-webauth-email", "x-webauth-groups", "x-authenticated-userid", "x-authenticated-scope",
		"client-cert", "client-cert-chain", "x-client-cert", "x-ssl-client-cert", "ssl-client-cert", "x-arr-clientcert":
		return true
	}
	for _, prefix := range []string{
		"x-goog-authenticated-user-", "x-goog-iap-", "x-appengine-user-", "x-amzn-oidc-", "x-amzn-mtls-", "x-ms-client-principal",
		"cf-access-", "x-auth-request-", "x-authentik-", "x-pomerium-",
		"tailscale-user-",
	} {
		if strings.HasPrefix(lower, prefix) {
			return true
		}
	}
	return strings.HasSuffix(lower, "-api-key")
}
