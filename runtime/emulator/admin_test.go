package emulator_test

import (
	"testing"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"cloud.google.com/go/iam/apiv1/iampb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/cloud/location"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// adminCases are those of access policies, encryption keys and locations.
func adminCases() cases {
	get := func(t *testing.T, e *emulated) *iampb.Policy {
		t.Helper()
		policy, err := e.client.GetIamPolicy(t.Context(), &iampb.GetIamPolicyRequest{Resource: queueName})
		if err != nil {
			t.Fatal(err)
		}
		return policy
	}
	set := func(t *testing.T, e *emulated, policy *iampb.Policy) *iampb.Policy {
		t.Helper()
		stored, err := e.client.SetIamPolicy(t.Context(), &iampb.SetIamPolicyRequest{Resource: queueName, Policy: policy})
		if err != nil || len(stored.GetEtag()) == 0 {
			t.Fatalf("SetIamPolicy: %v, %v", stored, err)
		}
		return stored
	}
	bindings := func(role string) []*iampb.Binding {
		return []*iampb.Binding{{Role: role, Members: []string{"user:a@b"}}}
	}
	asked := []string{"cloudtasks.tasks.create", "cloudtasks.tasks.run"}
	granted := func(t *testing.T, e *emulated, queue string, want ...string) {
		t.Helper()
		got, err := e.client.TestIamPermissions(t.Context(), &iampb.TestIamPermissionsRequest{Resource: queue, Permissions: asked})
		if err != nil || !cmp.Equal(want, got.GetPermissions()) {
			t.Errorf("%v, %v, want %v", got, err, want)
		}
	}
	const config, key = locationName + "/cmekConfig", locationName + "/keyRings/r/cryptoKeys/k_1"
	update := func(e *emulated, t *testing.T, config *cloudtaskspb.CmekConfig, mask ...string) (*cloudtaskspb.CmekConfig, error) {
		return e.client.UpdateCmekConfig(t.Context(), &cloudtaskspb.UpdateCmekConfigRequest{CmekConfig: config, UpdateMask: &fieldmaskpb.FieldMask{Paths: mask}})
	}
	wantKey := func(t *testing.T, e *emulated, want string) {
		t.Helper()
		got, err := e.client.GetCmekConfig(t.Context(), &cloudtaskspb.GetCmekConfigRequest{Name: config})
		if diff := cmp.Diff(&cloudtaskspb.CmekConfig{Name: config, KmsKey: want}, got, protocmp.Transform()); diff != "" || err != nil {
			t.Errorf("%v; GetCmekConfig (-want +got):\n%s", err, diff)
		}
	}
	all := cases{
		"1.2/GetIamPolicy without a policy": func(t *testing.T) {
			if diff := cmp.Diff(&iampb.Policy{}, get(t, fresh(t, setup{})), protocmp.Transform()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		},
		"1.2/SetIamPolicy replaces": func(t *testing.T) {
			e := fresh(t, setup{})
			set(t, e, &iampb.Policy{Version: 1, Bindings: bindings("roles/cloudtasks.enqueuer")})
			second := set(t, e, &iampb.Policy{Version: 1, Bindings: bindings("roles/cloudtasks.viewer")})
			got := get(t, e)
			if diff := cmp.Diff(second, got, protocmp.Transform()); diff != "" || len(got.GetBindings()) != 1 || got.GetBindings()[0].GetRole() != "roles/cloudtasks.viewer" {
				t.Errorf("%v; (-set +got):\n%s", got, diff)
			}
		},
		"1.2/SetIamPolicy with the etag of an older policy": func(t *testing.T) {
			e := fresh(t, setup{})
			first := set(t, e, &iampb.Policy{Bindings: bindings("roles/r")})
			set(t, e, first)
			_, err := e.client.SetIamPolicy(t.Context(), &iampb.SetIamPolicyRequest{Resource: queueName, Policy: first})
			wantStatus(t, err, codes.Aborted, "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff.")
		},
		"1.2/SetIamPolicy to nothing": func(t *testing.T) {
			e := fresh(t, setup{})
			set(t, e, &iampb.Policy{Bindings: bindings("roles/r")})
			set(t, e, nil)
			if got := get(t, e); len(got.GetBindings()) != 0 {
				t.Errorf("%v", got)
			}
		},
		"1.2/IAM policy goes with its queue": func(t *testing.T) {
			e := fresh(t, setup{})
			set(t, e, &iampb.Policy{Bindings: bindings("roles/r")})
			e.deleteQueue(t)
			e.advance(t, 4*24*anHour)
			e.newQueueNamed(t, queueName)
			if got := get(t, e); len(got.GetBindings()) != 0 {
				t.Errorf("a new queue has the policy of a deleted one: %v", got)
			}
		},
		"1.2/TestIamPermissions": func(t *testing.T) { granted(t, fresh(t, setup{}), queueName, asked...) },
		"1.2/TestIamPermissions on a missing queue": func(t *testing.T) {
			granted(t, fresh(t, setup{}), locationName+"/queues/none")
		},
		"1.2/GetCmekConfig without a key": func(t *testing.T) { wantKey(t, fresh(t, setup{}), "") },
		"1.2/UpdateCmekConfig": func(t *testing.T) {
			e := fresh(t, setup{})
			if got, err := update(e, t, &cloudtaskspb.CmekConfig{Name: config, KmsKey: key}, "kms_key"); err != nil || got.GetKmsKey() != key {
				t.Errorf("%v, %v", got, err)
			}
			wantKey(t, e, key)
		},
		"1.2/UpdateCmekConfig to a blank key": func(t *testing.T) {
			e := fresh(t, setup{})
			for _, key := range []string{key, ""} {
				if got, err := update(e, t, &cloudtaskspb.CmekConfig{Name: config, KmsKey: key}); err != nil || got.GetKmsKey() != key {
					t.Errorf("%v, %v", got, err)
				}
			}
			wantKey(t, e, "")
		},
		"1.1/GetLocation": func(t *testing.T) {
			got, err := fresh(t, setup{}).client.GetLocation(t.Context(), &location.GetLocationRequest{Name: locationName})
			if diff := cmp.Diff(&location.Location{Name: locationName, LocationId: "l"}, got, protocmp.Transform()); diff != "" || err != nil {
				t.Errorf("%v; (-want +got):\n%s", err, diff)
			}
		},
		"1.1/ListLocations": func(t *testing.T) {
			ids := make(map[string]string)
			for found, err := range fresh(t, setup{}).client.ListLocations(t.Context(), &location.ListLocationsRequest{Name: "projects/p"}).All() {
				if err != nil {
					t.Fatal(err)
				}
				ids[found.GetLocationId()] = found.GetName()
			}
			if ids["europe-west1"] != "projects/p/locations/europe-west1" || ids["us-central1"] != "projects/p/locations/us-central1" {
				t.Errorf("%v", ids)
			}
		},
	}
	for what, call := range map[string]func(*emulated, *testing.T) error{
		"UpdateCmekConfig without a config": func(e *emulated, t *testing.T) error {
			_, err := update(e, t, nil)
			return err
		},
		"UpdateCmekConfig of a malformed name": func(e *emulated, t *testing.T) error {
			_, err := update(e, t, &cloudtaskspb.CmekConfig{Name: "x"})
			return err
		},
		"UpdateCmekConfig to a malformed key": func(e *emulated, t *testing.T) error {
			_, err := update(e, t, &cloudtaskspb.CmekConfig{Name: config, KmsKey: "k"})
			return err
		},
		"UpdateCmekConfig of another field": func(e *emulated, t *testing.T) error {
			_, err := update(e, t, &cloudtaskspb.CmekConfig{Name: config}, "name")
			return err
		},
		"GetCmekConfig of a malformed name": func(e *emulated, t *testing.T) error {
			_, err := e.client.GetCmekConfig(t.Context(), &cloudtaskspb.GetCmekConfigRequest{Name: "x"})
			return err
		},
		"GetLocation of a malformed name": func(e *emulated, t *testing.T) error {
			_, err := e.client.GetLocation(t.Context(), &location.GetLocationRequest{Name: "l"})
			return err
		},
		"ListLocations of a malformed name": func(e *emulated, t *testing.T) error {
			_, err := e.client.ListLocations(t.Context(), &location.ListLocationsRequest{}).Next()
			return err
		},
	} {
		all["1.10/"+what] = func(t *testing.T) {
			if st := status.Convert(call(fresh(t, setup{}), t)); st.Code() != codes.InvalidArgument || st.Message() == "" {
				t.Errorf("%v", st)
			}
		}
	}
	return all
}
