package console_test

import (
	"fmt"
	"log"
	"net"
	"net/http"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/console"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/emulator"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// The console is served beside the wire API. A history lets it show tasks that have finished.
func ExampleNew() {
	queue, err := localqueue.New(localqueue.WithHistory(1000))
	if err != nil {
		log.Fatal(err)
	}
	defer queue.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server := emulator.Serve(queue, listener, emulator.WithConsole(console.New(queue)))
	defer server.Close()

	resp, err := http.Get("http://" + server.Addr().String() + "/")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status, resp.Header.Get("Content-Type"))
	// Output: 200 OK text/html; charset=utf-8
}
