package resource

// Update copies the fields that mask names, in the wire API's spelling such as "rate_limits.max_dispatches_per_second", from
// another queue. Without a mask it copies all that can be updated. It shares no memory with from.
func (q *Queue) Update(from *Queue, mask []string) error {
	if len(mask) == 0 {
		mask = []string{"rate_limits", "retry_config", "stackdriver_logging_config", "http_target", "app_engine_routing_override"}
	}
	for _, path := range mask {
		switch {
		case path == "*":
			if err := q.Update(from, nil); err != nil {
				return err
			}
		case maskLimits(q, from, path), maskHTTPTarget(q, from, path), maskURI(q, from, path), maskRouting(q, from, path):
		default:
			return Invalid("The update mask names %q, which is not a field of a queue that can be updated.", path)
		}
	}
	return nil
}

// Each of the following functions copies the field that path names and reports true, or false if it is not one of theirs.

func maskLimits(dst, src *Queue, path string) bool {
	switch path {
	case "name", "state", "purge_time", "rate_limits.max_burst_size": // only the service sets them
	case "rate_limits":
		dst.RateLimits = src.RateLimits
	case "rate_limits.max_dispatches_per_second":
		dst.RateLimits.MaxDispatchesPerSecond = src.RateLimits.MaxDispatchesPerSecond
	case "rate_limits.max_concurrent_dispatches":
		dst.RateLimits.MaxConcurrentDispatches = src.RateLimits.MaxConcurrentDispatches
	case "retry_config":
		dst.Retry = src.Retry
	case "retry_config.max_attempts":
		dst.Retry.MaxAttempts = src.Retry.MaxAttempts
	case "retry_config.max_retry_duration":
		dst.Retry.MaxRetryDuration = src.Retry.MaxRetryDuration
	case "retry_config.min_backoff":
		dst.Retry.MinBackoff = src.Retry.MinBackoff
	case "retry_config.max_backoff":
		dst.Retry.MaxBackoff = src.Retry.MaxBackoff
	case "retry_config.max_doublings":
		dst.Retry.MaxDoublings = src.Retry.MaxDoublings
	case "stackdriver_logging_config", "stackdriver_logging_config.sampling_ratio":
		dst.SamplingRatio = copyOf(src.SamplingRatio)
	default:
		return false
	}
	return true
}

func maskHTTPTarget(dst, src *Queue, path string) bool {
	if path == "http_target" {
		dst.HTTPTarget = src.HTTPTarget.clone()
		return true
	}
	from, to := valueOr(src.HTTPTarget.clone()), valueOr(dst.HTTPTarget)
	switch path {
	case "http_target.uri_override":
		to.URI = from.URI
	case "http_target.http_method":
		to.Method = from.Method
	case "http_target.header_overrides":
		to.Header = from.Header
	case "http_target.oidc_token":
		to.OIDC = from.OIDC
		if from.OIDC != nil {
			to.OAuth = nil
		}
	case "http_target.oidc_token.service_account_email":
		token := valueOr(to.OIDC)
		token.ServiceAccount = valueOr(from.OIDC).ServiceAccount
		to.OIDC, to.OAuth = &token, nil
	case "http_target.oidc_token.audience":
		token := valueOr(to.OIDC)
		token.Audience = valueOr(from.OIDC).Audience
		to.OIDC, to.OAuth = &token, nil
	case "http_target.oauth_token":
		to.OAuth = from.OAuth
		if from.OAuth != nil {
			to.OIDC = nil
		}
	case "http_target.oauth_token.service_account_email":
		token := valueOr(to.OAuth)
		token.ServiceAccount = valueOr(from.OAuth).ServiceAccount
		to.OAuth, to.OIDC = &token, nil
	case "http_target.oauth_token.scope":
		token := valueOr(to.OAuth)
		token.Scope = valueOr(from.OAuth).Scope
		to.OAuth, to.OIDC = &token, nil
	default:
		return false
	}
	dst.HTTPTarget = &to
	return true
}

func maskURI(dst, src *Queue, path string) bool {
	from := valueOr(valueOr(src.HTTPTarget.clone()).URI)
	target := valueOr(dst.HTTPTarget)
	to := valueOr(target.URI)
	switch path {
	case "http_target.uri_override.scheme":
		to.Scheme = from.Scheme
	case "http_target.uri_override.host":
		to.Host = from.Host
	case "http_target.uri_override.port":
		to.Port = from.Port
	case "http_target.uri_override.path_override", "http_target.uri_override.path_override.path":
		to.Path = from.Path
	case "http_target.uri_override.query_override", "http_target.uri_override.query_override.query_params":
		to.Query = from.Query
	case "http_target.uri_override.uri_override_enforce_mode":
		to.Mode = from.Mode
	default:
		return false
	}
	target.URI = &to
	dst.HTTPTarget = &target
	return true
}

func maskRouting(dst, src *Queue, path string) bool {
	from, to := valueOr(src.AppEngineRouting), valueOr(dst.AppEngineRouting)
	switch path {
	case "app_engine_routing_override":
		dst.AppEngineRouting = copyOf(src.AppEngineRouting)
		return true
	case "app_engine_routing_override.service":
		to.Service = from.Service
	case "app_engine_routing_override.version":
		to.Version = from.Version
	case "app_engine_routing_override.instance":
		to.Instance = from.Instance
	case "app_engine_routing_override.host": // only the service sets it
		return true
	default:
		return false
	}
	dst.AppEngineRouting = &to
	return true
}

func valueOr[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
