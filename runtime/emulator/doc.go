// Package emulator puts an embedded queue behind the wire API of Google Cloud Tasks, so that any client of
// google.cloud.tasks.v2 can use it.
//
//	listener, err := net.Listen("tcp", "127.0.0.1:8123")
//	…
//	queue, err := localqueue.New()
//	…
//	defer queue.Close()
//	server := emulator.Serve(queue, listener)
//	defer server.Close()
//
// One port serves everything, told apart by a connection's first bytes:
//
//   - gRPC without TLS: google.cloud.tasks.v2.CloudTasks, google.cloud.location.Locations and
//     google.longrunning.Operations.
//   - HTTP/1.1: the same over REST, as cloudtasks.googleapis.com/v2 has it, with BufferTask, which exists there only.
//     Pages of other origins in a browser are refused.
//   - HTTP/1.1: the discovery document (/.well-known/openid-configuration) and the keys of the issuer whose tokens go
//     with tasks that ask for one, so that handlers verify them as they verify Google's.
//   - HTTP/1.1: a control API under /_cloudtask/v1/, for test suites: reset, wait until idle, move a virtual clock, inject
//     faults, see events. It is answered under this machine's names and the issuer's only. See docs/embedded-queue.md.
//
// Clients find it through CLOUD_TASKS_EMULATOR_HOST, which every runtime/gcp client and every handler of
// runtime/cloudtask reads. The tokens' issuer is "http://" and the listener's address, and handlers compare it letter by
// letter, but for the spellings of the loopback address. Where others reach the listener by another name, name the
// issuer after that (see [Serve]).
package emulator
