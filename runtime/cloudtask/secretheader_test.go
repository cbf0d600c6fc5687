package cloudtask_test

import (
	"strings"
	"testing"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// secretHeaders carry credentials or claims.
var secretHeaders = []string{
	"Authorization", "Proxy-Authorization", "X-Forwarded-Authorization", "X-Serverless-Authorization", "Cookie", "Cookie2", "Set-Cookie",
	"X-Forwarded-Access-Token", "X-Auth-Token", "X-CSRF-Token", "X-CSRFToken", "X-Amz-Security-Token", "Private-Token", "X-Id-Token", "DPoP",
	"X-Api-Key", "Api-Key", "X-Goog-Api-Key", "X-Acme-Api-Key", "X-Auth-Key", "X-Functions-Key", "Ocp-Apim-Subscription-Key", "ApiKey",
	"X-Client-Secret", "X-Password", "X-Credentials", "X-Jwt-Payload",
	"X-Goog-Iap-Jwt-Assertion", "X-Goog-Authenticated-User-Email", "X-Goog-Authenticated-User-Id", "X-Goog-Iam-Authorization-Token",
	"X-Endpoint-API-UserInfo", "X-Apigateway-Api-Userinfo", "X-Appengine-User-Email", "X-Firebase-AppCheck", "X-Goog-Firebase-Installations-Auth",
	"X-Amzn-Oidc-Data", "X-Amzn-Oidc-Accesstoken", "X-Amzn-Oidc-Identity", "X-Amzn-Mtls-Clientcert",
	"X-Ms-Client-Principal", "X-Ms-Client-Principal-Name", "X-Ms-Token-Aad-Access-Token", "Cf-Access-Jwt-Assertion", "Cf-Access-Authenticated-User-Email",
	"X-Auth-Request-User", "X-Auth-Request-Email", "X-Auth-Request-Access-Token", "X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups",
	"X-Forwarded-Preferred-Username", "X-Forwarded-Client-Cert", "Remote-User", "X-Remote-User", "X-Webauth-User", "X-Authentik-Username",
	"X-Pomerium-Claim-Email", "Tailscale-User-Login", "Client-Cert",
}

// Headers are not taken for secrets that metadata, tracing and programs live by.
func TestIsSecretHeader(t *testing.T) {
	t.Parallel()
	for _, name := range secretHeaders {
		for _, spelling := range []string{name, strings.ToLower(name), strings.ToUpper(name)} {
			if !cloudtask.IsSecretHeader(spelling) {
				t.Errorf("%s is not taken for a secret", spelling)
			}
		}
	}
	for _, name := range []string{
		"", "Traceparent", "Tracestate", "Baggage", "X-Cloud-Trace-Context", "X-Request-Id", "X-Correlation-Id", "X-Tenant", "Content-Type", "Accept-Language",
		"User-Agent", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Idempotency-Key", "X-Partition-Key", "Sec-Websocket-Key", "X-Author",
		"X-CloudTasks-TaskName", "X-CloudTasks-TaskRetryCount", "X-CloudScheduler-JobName", "X-AppEngine-QueueName", "Cloudtask-Timeout", "Cloudtask-Replay",
		"X-Tokenizer", "Www-Authenticate", "X-Goog-Channel-Id", "X-User-Agent",
	} {
		if cloudtask.IsSecretHeader(name) {
			t.Errorf("%q is taken for a secret", name)
		}
	}
}
