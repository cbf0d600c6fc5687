package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"unicode/utf8"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// BufferTask exists over REST only: it makes a task of any HTTP request, for a queue whose http_target says where its
// tasks go. The gRPC API does not have the method, so that nothing describes it but this file.

// addBufferTask adds the routes of BufferTask.
func addBufferTask(rs *routes, a *api) error {
	answer, err := bufferAnswer()
	if err != nil {
		return fmt.Errorf("describing BufferTask: %w", err)
	}
	return rs.add(bufferRule(), answer, func(c *restCall) (proto.Message, error) {
		task, err := a.bufferTask(c)
		if err != nil {
			return nil, err
		}
		m := dynamicpb.NewMessage(answer)
		m.Set(answer.Fields().Get(0), protoreflect.ValueOfMessage(task.ProtoReflect()))
		return m, nil
	})
}

// bufferTask adds the task and returns it. The values of the call are the queue's name and, if the caller chose one, the
// task's id.
func (a *api) bufferTask(c *restCall) (*cloudtaskspb.Task, error) {
	r, queueName := c.request, c.values[0]
	queue, err := a.queue.GetQueue(r.Context(), queueName)
	if err != nil {
		return nil, wireError(err)
	}
	url := queue.HTTPTarget.URL()
	if url == "" {
		return nil, status.Error(codes.FailedPrecondition, "BufferTask needs a queue with an HTTP target: set http_target.uri_override.host of the queue.")
	}
	body, err := c.readBody()
	if err != nil {
		return nil, err
	}
	contentType := r.Header.Get("Content-Type")
	if wrapped, ok := unwrapBody(body); ok {
		body, contentType = wrapped.GetData(), wrapped.GetContentType()
	}
	if !utf8.ValidString(contentType) {
		return nil, status.Error(codes.InvalidArgument, "The request's Content-Type is not UTF-8, which a task's headers must be.")
	}
	method := r.Method
	if queue.HTTPTarget.Method != "" {
		method = queue.HTTPTarget.Method
	}
	if method != http.MethodPost && method != http.MethodPut && method != http.MethodPatch {
		body = nil
	}
	task := &resource.Task{HTTP: &resource.HTTPRequest{URL: url, Method: method, Header: map[string]string{}, Body: body}}
	if contentType != "" && len(body) > 0 {
		task.HTTP.Header["Content-Type"] = contentType
	}
	if len(c.values) > 1 {
		task.Name = queueName + "/tasks/" + c.values[1]
	}
	return taskAnswer(a.queue.CreateTask(r.Context(), queueName, task))
}

// bufferAnswer describes google.cloud.tasks.v2.BufferTaskResponse, a message that has no Go type.
func bufferAnswer() (protoreflect.MessageDescriptor, error) {
	task := (*cloudtaskspb.Task)(nil)
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: new("google/cloud/tasks/v2/buffer.proto"), Package: new("google.cloud.tasks.v2"), Syntax: new("proto3"),
		Dependency: []string{task.ProtoReflect().Descriptor().ParentFile().Path()},
		MessageType: []*descriptorpb.DescriptorProto{{
			Name: new("BufferTaskResponse"),
			Field: []*descriptorpb.FieldDescriptorProto{{
				Name: new("task"), Number: new(int32(1)), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
				Type: descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), TypeName: new(".google.cloud.tasks.v2.Task"),
			}},
		}},
	}, protoregistry.GlobalFiles)
	if err != nil {
		return nil, err
	}
	return file.Messages().Get(0), nil
}

// unwrapBody reads a body that is a BufferTaskRequest as the discovery document describes it: {"body": {"data": base64,
// "contentType": …}}. Any other body is the task's as it stands.
func unwrapBody(body []byte) (*httpbody.HttpBody, bool) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return nil, false
	}
	raw, wrapped := fields["body"]
	if len(fields) == 0 {
		return nil, true
	}
	var m httpbody.HttpBody
	if !wrapped || len(fields) > 1 || protojson.Unmarshal(raw, &m) != nil {
		return nil, false
	}
	return &m, true
}
