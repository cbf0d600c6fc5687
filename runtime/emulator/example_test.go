package emulator_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/emulator"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/gcp"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// Any client of Cloud Tasks reaches the queue: over gRPC, as here, or over REST on the same port.
func ExampleServe() {
	queue, err := localqueue.New()
	if err != nil {
		log.Fatal(err)
	}
	defer queue.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server := emulator.Serve(queue, listener)
	defer server.Close()

	conn, err := grpc.NewClient(server.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	created, err := cloudtaskspb.NewCloudTasksClient(conn).CreateQueue(context.Background(), &cloudtaskspb.CreateQueueRequest{
		Parent: "projects/demo/locations/europe-west1",
		Queue:  &cloudtaskspb.Queue{Name: "projects/demo/locations/europe-west1/queues/emails"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(created.GetName(), created.GetState(), created.GetRateLimits().GetMaxDispatchesPerSecond())
	// Output: projects/demo/locations/europe-west1/queues/emails RUNNING 500
}

// Clients and handlers of generated code find the queue by one variable, or by Config.EmulatorHost.
func ExampleServe_environment() {
	os.Setenv("CLOUD_TASKS_EMULATOR_HOST", "127.0.0.1:8123")
	os.Setenv("CLOUDTASK_PROJECT", "demo")
	os.Setenv("CLOUDTASK_LOCATION", "europe-west1")
	cfg, err := cloudtask.ConfigFromEnv()
	if err != nil {
		log.Fatal(err)
	}
	client, err := gcp.NewClient(context.Background(), cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
}
