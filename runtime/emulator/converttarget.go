package emulator

import (
	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// methodFromProto returns the method's name, "" for unspecified.
func methodFromProto(method cloudtaskspb.HttpMethod) string {
	if method == cloudtaskspb.HttpMethod_HTTP_METHOD_UNSPECIFIED {
		return ""
	}
	return method.String()
}

func methodToProto(method string) cloudtaskspb.HttpMethod {
	return cloudtaskspb.HttpMethod(cloudtaskspb.HttpMethod_value[method])
}

func appEngineFromProto(p *cloudtaskspb.AppEngineHttpRequest) *resource.AppEngineRequest {
	req := &resource.AppEngineRequest{
		Method: methodFromProto(p.GetHttpMethod()), RelativeURI: p.GetRelativeUri(), Header: p.GetHeaders(), Body: p.GetBody(),
	}
	if routing := routingFromProto(p.GetAppEngineRouting()); routing != nil {
		req.Routing = *routing
	}
	return req
}

func appEngineToProto(req *resource.AppEngineRequest) *cloudtaskspb.AppEngineHttpRequest {
	return &cloudtaskspb.AppEngineHttpRequest{
		HttpMethod: methodToProto(req.Method), AppEngineRouting: routingToProto(&req.Routing), RelativeUri: req.RelativeURI,
		Headers: req.Header, Body: req.Body,
	}
}

func routingFromProto(p *cloudtaskspb.AppEngineRouting) *resource.AppEngineRouting {
	if p == nil {
		return nil
	}
	return &resource.AppEngineRouting{Service: p.GetService(), Version: p.GetVersion(), Instance: p.GetInstance()}
}

func routingToProto(routing *resource.AppEngineRouting) *cloudtaskspb.AppEngineRouting {
	if routing == nil {
		return nil
	}
	return &cloudtaskspb.AppEngineRouting{Service: routing.Service, Version: routing.Version, Instance: routing.Instance, Host: routing.Host}
}

func targetFromProto(p *cloudtaskspb.HttpTarget) *resource.HTTPTarget {
	if p == nil {
		return nil
	}
	target := &resource.HTTPTarget{URI: uriFromProto(p.GetUriOverride()), Method: methodFromProto(p.GetHttpMethod())}
	for _, override := range p.GetHeaderOverrides() {
		target.Header = append(target.Header, resource.HeaderOverride{Key: override.GetHeader().GetKey(), Value: override.GetHeader().GetValue()})
	}
	if token := p.GetOidcToken(); token != nil {
		target.OIDC = &resource.OIDCToken{ServiceAccount: token.GetServiceAccountEmail(), Audience: token.GetAudience()}
	}
	if token := p.GetOauthToken(); token != nil {
		target.OAuth = &resource.OAuthToken{ServiceAccount: token.GetServiceAccountEmail(), Scope: token.GetScope()}
	}
	return target
}

func targetToProto(target *resource.HTTPTarget) *cloudtaskspb.HttpTarget {
	if target == nil {
		return nil
	}
	p := &cloudtaskspb.HttpTarget{UriOverride: uriToProto(target.URI), HttpMethod: methodToProto(target.Method)}
	for _, h := range target.Header {
		p.HeaderOverrides = append(p.HeaderOverrides, &cloudtaskspb.HttpTarget_HeaderOverride{Header: &cloudtaskspb.HttpTarget_Header{Key: h.Key, Value: h.Value}})
	}
	switch {
	case target.OIDC != nil:
		p.AuthorizationHeader = &cloudtaskspb.HttpTarget_OidcToken{OidcToken: &cloudtaskspb.OidcToken{
			ServiceAccountEmail: target.OIDC.ServiceAccount, Audience: target.OIDC.Audience,
		}}
	case target.OAuth != nil:
		p.AuthorizationHeader = &cloudtaskspb.HttpTarget_OauthToken{OauthToken: &cloudtaskspb.OAuthToken{
			ServiceAccountEmail: target.OAuth.ServiceAccount, Scope: target.OAuth.Scope,
		}}
	}
	return p
}

func uriFromProto(p *cloudtaskspb.UriOverride) *resource.URIOverride {
	if p == nil {
		return nil
	}
	uri := &resource.URIOverride{Host: p.Host, Port: p.Port, Mode: resource.OverrideMode(p.GetUriOverrideEnforceMode())}
	if p.Scheme != nil {
		uri.Scheme = new(resource.Scheme(*p.Scheme))
	}
	if p.PathOverride != nil {
		uri.Path = new(p.GetPathOverride().GetPath())
	}
	if p.QueryOverride != nil {
		uri.Query = new(p.GetQueryOverride().GetQueryParams())
	}
	return uri
}

func uriToProto(uri *resource.URIOverride) *cloudtaskspb.UriOverride {
	if uri == nil {
		return nil
	}
	p := &cloudtaskspb.UriOverride{Host: uri.Host, Port: uri.Port, UriOverrideEnforceMode: cloudtaskspb.UriOverride_UriOverrideEnforceMode(uri.Mode)}
	if uri.Scheme != nil {
		p.Scheme = cloudtaskspb.UriOverride_Scheme(*uri.Scheme).Enum()
	}
	if uri.Path != nil {
		p.PathOverride = &cloudtaskspb.PathOverride{Path: *uri.Path}
	}
	if uri.Query != nil {
		p.QueryOverride = &cloudtaskspb.QueryOverride{QueryParams: *uri.Query}
	}
	return p
}
