package emulator

import (
	"context"
	"regexp"
	"strings"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/genproto/googleapis/cloud/location"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// kmsKeyName is the name of a key of Cloud KMS.
var kmsKeyName = regexp.MustCompile(`^projects/[A-Za-z0-9.:-]+/locations/[A-Za-z0-9-]+/keyRings/[A-Za-z0-9_-]+/cryptoKeys/[A-Za-z0-9_-]+$`)

// locationsService describes google.cloud.location.Locations, as the generated package does for itself only.
func locationsService() *grpc.ServiceDesc {
	const name = "google.cloud.location.Locations"
	return &grpc.ServiceDesc{
		ServiceName: name,
		HandlerType: (*location.LocationsServer)(nil),
		Methods: []grpc.MethodDesc{
			unary(name, "GetLocation", location.LocationsServer.GetLocation),
			unary(name, "ListLocations", location.LocationsServer.ListLocations),
		},
		Metadata: "google/cloud/location/locations.proto",
	}
}

func unary[Server, Req, Resp any](service, method string, call func(Server, context.Context, *Req) (*Resp, error)) grpc.MethodDesc {
	handler := func(srv any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
		req := new(Req)
		if err := decode(req); err != nil {
			return nil, err
		}
		handle := func(ctx context.Context, req any) (any, error) { return call(srv.(Server), ctx, req.(*Req)) }
		if intercept == nil {
			return handle(ctx, req)
		}
		return intercept(ctx, req, &grpc.UnaryServerInfo{Server: srv, FullMethod: "/" + service + "/" + method}, handle)
	}
	return grpc.MethodDesc{MethodName: method, Handler: handler}
}

// GetLocation knows every location: queues can be in any.
func (a *api) GetLocation(_ context.Context, req *location.GetLocationRequest) (*location.Location, error) {
	_, id, ok := rules.SplitLocation(req.GetName())
	if !ok {
		return nil, status.Errorf(codes.InvalidArgument, "Location name %q must be formatted: "+
			"\"projects/<PROJECT_ID>/locations/<LOCATION_ID>\".", bounded(req.GetName()))
	}
	return &location.Location{Name: req.GetName(), LocationId: id}, nil
}

// ListLocations lists some of the locations that Cloud Tasks has, on one page.
func (a *api) ListLocations(_ context.Context, req *location.ListLocationsRequest) (*location.ListLocationsResponse, error) {
	if id, ok := strings.CutPrefix(req.GetName(), "projects/"); !ok || !rules.ValidProject(id) {
		return nil, status.Errorf(codes.InvalidArgument, "Project name %q must be formatted: \"projects/<PROJECT_ID>\".", bounded(req.GetName()))
	}
	resp := &location.ListLocationsResponse{}
	for _, id := range []string{"asia-northeast1", "europe-west1", "us-central1", "us-east1"} {
		resp.Locations = append(resp.Locations, &location.Location{Name: req.GetName() + "/locations/" + id, LocationId: id})
	}
	return resp, nil
}

// GetCmekConfig returns what UpdateCmekConfig has stored. Nothing is encrypted.
func (a *api) GetCmekConfig(ctx context.Context, req *cloudtaskspb.GetCmekConfigRequest) (*cloudtaskspb.CmekConfig, error) {
	if err := checkCmekName(req.GetName()); err != nil {
		return nil, err
	}
	config := &cloudtaskspb.CmekConfig{}
	if err := a.kept(ctx, req.GetName(), config); err != nil {
		return nil, err
	}
	config.Name = req.GetName()
	return config, nil
}

// UpdateCmekConfig stores the key; a blank one turns encryption off. The key is the only field that a mask can name.
func (a *api) UpdateCmekConfig(ctx context.Context, req *cloudtaskspb.UpdateCmekConfigRequest) (*cloudtaskspb.CmekConfig, error) {
	config := req.GetCmekConfig()
	if err := checkCmekName(config.GetName()); err != nil {
		return nil, err
	}
	for _, path := range req.GetUpdateMask().GetPaths() {
		if path != "kms_key" && path != "*" {
			return nil, status.Errorf(codes.InvalidArgument, "update_mask names %q: only kms_key can be updated.", bounded(path))
		}
	}
	if key := config.GetKmsKey(); key != "" && !kmsKeyName.MatchString(key) {
		return nil, status.Errorf(codes.InvalidArgument,
			"CmekConfig.kmsKey %q must be formatted: \"projects/<PROJECT_ID>/locations/<LOCATION_ID>/keyRings/<KEY_RING_ID>/cryptoKeys/<KEY_ID>\".", bounded(key))
	}
	stored := proto.CloneOf(config)
	return stored, a.keep(ctx, stored.GetName(), stored)
}

func checkCmekName(name string) error {
	location, ok := strings.CutSuffix(name, "/cmekConfig")
	if ok {
		_, _, ok = rules.SplitLocation(location)
	}
	if !ok {
		return status.Errorf(codes.InvalidArgument, "CmekConfig.name %q must be formatted: "+
			"\"projects/<PROJECT_ID>/locations/<LOCATION_ID>/cmekConfig\".", bounded(name))
	}
	return nil
}
