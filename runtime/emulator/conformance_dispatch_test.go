package emulator_test

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const anHour = time.Hour

// headerCases are those of the headers that a worker gets.
func headerCases() cases {
	all := cases{
		"2.1/User-Agent": func(t *testing.T) {
			p := play(t, always(200))
			task := p.task("")
			task.GetHttpRequest().Headers = map[string]string{"user-agent": "mine"}
			p.create(t, task)
			p.run(t, 0)
			wantStrings(t, "User-Agent", p.header("User-Agent"), "Google-Cloud-Tasks")
		},
		"2.1/TaskETA": func(t *testing.T) {
			p := play(t, always(200))
			task := p.task("")
			task.ScheduleTime = timestamppb.New(time.Date(2026, 11, 23, 10, 0, 0, 12345678, time.UTC))
			p.create(t, task)
			p.run(t, anHour)
			wantStrings(t, "ETA", p.header("X-CloudTasks-TaskETA"), "1795428000.012345")
		},
		"2.1/TaskETA of a retry": func(t *testing.T) {
			p := play(t, inTurn(500, 200))
			p.create(t, p.retrying(&cloudtaskspb.RetryConfig{MinBackoff: durationpb.New(10 * time.Second)}))
			p.run(t, anHour)
			wantStrings(t, "ETA", p.header("X-CloudTasks-TaskETA"), "1795426215.987654", "1795426225.987654")
		},
		"2.1/no Content-Type is added": func(t *testing.T) {
			p := play(t, always(200))
			p.create(t, httpTask(p.url, "with a body"))
			p.run(t, 0)
			wantStrings(t, "Content-Type", p.header("Content-Type"), "-")
		},
		"2.1/Content-Type of the task": func(t *testing.T) {
			p := play(t, always(200))
			task := httpTask(p.url, "{}")
			task.GetHttpRequest().Headers = map[string]string{"content-TYPE": "application/json"}
			p.create(t, task)
			p.run(t, 0)
			wantStrings(t, "Content-Type", p.header("Content-Type"), "application/json")
		},
		"2.1/no Authorization without a token": func(t *testing.T) {
			p := play(t, always(200))
			p.create(t, p.task(""))
			p.run(t, 0)
			wantStrings(t, "Authorization", p.header("Authorization"), "-")
		},
		"2.1/Authorization of the task itself": func(t *testing.T) {
			p := play(t, always(200))
			task := p.task("")
			task.GetHttpRequest().Headers = map[string]string{"Authorization": "Basic mine"}
			p.create(t, task)
			p.run(t, 0)
			wantStrings(t, "Authorization", p.header("Authorization"), "Basic mine")
		},
		"2.1/Authorization with an OIDC token": testOIDCToken,
		"2.1/Authorization with an OAuth token": func(t *testing.T) {
			p := play(t, always(200))
			task := p.task("")
			task.GetHttpRequest().Headers = map[string]string{"Authorization": "Basic mine"}
			task.GetHttpRequest().AuthorizationHeader = &cloudtaskspb.HttpRequest_OauthToken{OauthToken: &cloudtaskspb.OAuthToken{ServiceAccountEmail: "a@b"}}
			p.create(t, task)
			p.run(t, 0)
			if got := p.header("Authorization"); len(got) != 1 || !strings.HasPrefix(got[0], "Bearer ya29.") {
				t.Errorf("Authorization %q", got)
			}
		},
		"2.1/spelling on the wire": func(t *testing.T) {
			raw := rawWorker(t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			e := fresh(t, setup{})
			task := httpTask("http://"+raw.addr, "")
			task.GetHttpRequest().Headers = map[string]string{"x-mixed-CASE": "1"}
			e.create(t, task)
			e.run(t, 0)
			text := <-raw.received
			for _, want := range []string{"X-CloudTasks-QueueName: q\r\n", "X-CloudTasks-TaskRetryCount: 0\r\n", "X-CloudTasks-TaskETA: ", "x-mixed-CASE: 1\r\n"} {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not in the request:\n%s", want, text)
				}
			}
		},
		"1.4/url that has to be encoded": func(t *testing.T) {
			p := play(t, always(200))
			name := p.create(t, httpTask(p.url+"/a b/é?q=c d&r=é\"<>#no fragment", "")).GetName()
			p.run(t, 0)
			if len(p.seen) != 1 || p.seen[0].uri != "/a%20b/%C3%A9?q=c%20d&r=%C3%A9%22%3C%3E" {
				t.Errorf("received %+v", p.seen)
			}
			p.wantGone(t, name)
		},
		"1.4/App Engine, URI that has to be encoded": func(t *testing.T) {
			p := play(t, always(200))
			p.create(t, appEngineTask(&cloudtaskspb.AppEngineHttpRequest{RelativeUri: "/é?q=é"}))
			if p.run(t, 0); len(p.seen) != 1 || p.seen[0].uri != "/%C3%A9?q=%C3%A9" {
				t.Errorf("received %+v", p.seen)
			}
		},
		"2.1/other X-CloudTasks headers are sent": func(t *testing.T) {
			p := play(t, always(200))
			task := p.task("")
			task.GetHttpRequest().Headers = map[string]string{"X-CloudTasks-Projectname": "kept"}
			p.create(t, task)
			p.run(t, 0)
			wantStrings(t, "Projectname", p.header("X-CloudTasks-Projectname"), "kept")
		},
		"2.1/Host is the URL's": func(t *testing.T) {
			p := play(t, always(200))
			task := httpTask(p.url, "body")
			task.GetHttpRequest().Headers = map[string]string{"Host": "forged", "content-length": "2"}
			p.create(t, task)
			if p.run(t, 0); len(p.seen) != 1 || "http://"+p.seen[0].host != p.url || p.seen[0].body != "body" {
				t.Errorf("received %+v", p.seen)
			}
		},
		"2.1/forged dispatch headers": func(t *testing.T) {
			p := play(t, inTurn(404, 200))
			task := p.task("t1")
			task.GetHttpRequest().Headers = map[string]string{
				"X-CloudTasks-TaskName": "forged", "x-cloudtasks-queuename": "forged", "X-CloudTasks-TaskRetryCount": "9", "X-CloudTasks-TaskPreviousResponse": "9",
			}
			p.create(t, task)
			p.run(t, anHour)
			wantStrings(t, "TaskName", p.header("X-CloudTasks-TaskName"), "t1", "t1")
			wantStrings(t, "QueueName", p.header("X-CloudTasks-QueueName"), "q", "q")
			wantStrings(t, "TaskRetryCount", p.header("X-CloudTasks-TaskRetryCount"), "0", "1")
			wantStrings(t, "TaskPreviousResponse", p.header("X-CloudTasks-TaskPreviousResponse"), "-", "404")
		},
		"2.1/request as the task has it": func(t *testing.T) {
			p := play(t, always(200))
			task := httpTask(p.url+"/a%20b?c=d&e", "the body")
			task.GetHttpRequest().HttpMethod = cloudtaskspb.HttpMethod_PUT
			p.create(t, task)
			p.run(t, 0)
			if len(p.seen) != 1 || p.seen[0].method != "PUT" || p.seen[0].uri != "/a%20b?c=d&e" || p.seen[0].body != "the body" || "http://"+p.seen[0].host != p.url {
				t.Errorf("received %+v", p.seen)
			}
		},
	}
	// The sequence that was recorded from Cloud Tasks.
	for key, want := range map[string][]string{
		"QueueName":            {"q", "q", "q", "q", "q", "q"},
		"TaskName":             {"t1", "t1", "t1", "t1", "t1", "t1"},
		"TaskRetryCount":       {"0", "1", "2", "3", "4", "5"},
		"TaskExecutionCount":   {"0", "0", "1", "2", "2", "3"},
		"TaskPreviousResponse": {"-", "503", "404", "429", "500", "302"},
		"TaskRetryReason":      {"-", "", "", "", "", ""},
	} {
		all["2.1/recorded "+key] = func(t *testing.T) {
			p := play(t, inTurn(503, 404, 429, 500, 302, 200))
			p.create(t, p.task("t1"))
			p.run(t, anHour)
			wantStrings(t, key, p.header("X-CloudTasks-"+key), want...)
		}
	}
	return all
}

// outcomeCases are those of what answers do to a task.
func outcomeCases() cases {
	all := cases{
		"2.2/redirect with a location": func(t *testing.T) {
			p := playReplies(t, func(_ *played, n int) reply {
				if n == 0 {
					return reply{302, http.Header{"Location": {"/to"}}}
				}
				return reply{status: 200}
			})
			name := p.create(t, httpTask(p.url+"/from", "body")).GetName()
			if attempts := p.run(t, 0); attempts != 1 || len(p.seen) != 2 || p.seen[1].path != "/to" || p.seen[1].method != "POST" || p.seen[1].body != "body" {
				t.Errorf("%d attempts, %+v: a redirect is not one of its own", attempts, p.seen)
			}
			wantStrings(t, "retry counts", p.header("X-CloudTasks-TaskRetryCount"), "0", "0")
			p.wantGone(t, name)
		},
		"2.2/redirect without a location": func(t *testing.T) {
			p := play(t, inTurn(302, 200))
			name := p.create(t, p.retrying(&cloudtaskspb.RetryConfig{MinBackoff: durationpb.New(anHour)})).GetName()
			p.run(t, 0)
			if got := p.get(t, name); got.GetResponseCount() != 1 || got.GetLastAttempt().GetResponseStatus().GetMessage() != "UNKNOWN(2): HTTP status code 302" {
				t.Errorf("after a 302: %v", got)
			}
			p.run(t, anHour)
			wantStrings(t, "executions", p.header("X-CloudTasks-TaskExecutionCount"), "0", "1")
		},
		"2.2/redirects without end": func(t *testing.T) {
			p := playReplies(t, func(*played, int) reply { return reply{302, http.Header{"Location": {"/round"}}} })
			name := p.create(t, p.retrying(&cloudtaskspb.RetryConfig{MinBackoff: durationpb.New(anHour)})).GetName()
			p.run(t, 0)
			if got := p.get(t, name); len(p.seen) != 6 || got.GetDispatchCount() != 1 || got.GetResponseCount() != 1 {
				t.Errorf("%d requests, %v, want one failed attempt of six", len(p.seen), got)
			}
		},
		"2.2/no answer by the dispatch deadline": func(t *testing.T) {
			p := play(t, func(p *played, n int) int {
				if n == 0 {
					p.advance(t, 16*time.Second)
				}
				return 200
			})
			task := p.task("")
			task.DispatchDeadline = durationpb.New(15 * time.Second)
			name := p.create(t, task).GetName()
			p.run(t, 0)
			got := p.get(t, name)
			if st := got.GetLastAttempt().GetResponseStatus(); got.GetDispatchCount() != 1 || got.GetResponseCount() != 0 || st.GetMessage() != "DEADLINE_EXCEEDED(4): HTTP status code 504" {
				t.Errorf("%v, want no response in time", got)
			}
			if got.GetLastAttempt().GetResponseTime() != nil {
				t.Errorf("response time %v without a response", got.GetLastAttempt())
			}
			p.run(t, time.Minute)
			wantStrings(t, "previous responses", p.header("X-CloudTasks-TaskPreviousResponse"), "-", "504")
			wantStrings(t, "executions", p.header("X-CloudTasks-TaskExecutionCount"), "0", "0")
			wantStrings(t, "retries", p.header("X-CloudTasks-TaskRetryCount"), "0", "1")
		},
		"2.2/refused connection": func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			listener.Close() // its port refuses from now on
			wantNoResponse(t, "http://"+listener.Addr().String())
		},
		"2.2/half an answer": func(t *testing.T) {
			wantNoResponse(t, "http://"+rawWorker(t, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").addr)
		},
		"2.2/no HTTP": func(t *testing.T) {
			wantNoResponse(t, "http://"+rawWorker(t, "220 mail.example ESMTP\r\n").addr)
		},
		"2.2/hung up": func(t *testing.T) { wantNoResponse(t, "http://"+rawWorker(t, "").addr) },
		"2.2/header of no end": func(t *testing.T) {
			wantNoResponse(t, "http://"+rawWorker(t, "HTTP/1.1 200 OK\r\nA: "+strings.Repeat("x", 2<<20)).addr)
		},
		"2.2/unknown host": func(t *testing.T) { wantNoResponse(t, "http://worker.invalid/") },
		"2.2/TLS to a server without it": func(t *testing.T) {
			wantNoResponse(t, "https://"+rawWorker(t, "HTTP/1.1 400 Bad Request\r\n\r\n").addr)
		},
		"2.2/huge answer": func(t *testing.T) {
			size := 8 << 20
			raw := rawWorker(t, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size)))
			e := fresh(t, setup{})
			name := e.create(t, httpTask("http://"+raw.addr, "")).GetName()
			e.run(t, 0)
			e.wantGone(t, name)
		},
		"2.2/no throttling of its own": func(t *testing.T) { // what Cloud Tasks does is not published
			p := play(t, always(503))
			p.create(t, p.retrying(&cloudtaskspb.RetryConfig{MinBackoff: durationpb.New(time.Second), MaxBackoff: durationpb.New(time.Second), MaxAttempts: 5}))
			p.create(t, p.task("other"))
			p.run(t, 0)
			if len(p.seen) != 2 {
				t.Errorf("%d attempts: a 503 slowed the queue", len(p.seen))
			}
		},
	}
	for _, status := range []int{200, 201, 204, 299} {
		all[fmt.Sprintf("2.2/success %d", status)] = func(t *testing.T) {
			p := play(t, always(status))
			name := p.create(t, p.task("")).GetName()
			if n := p.run(t, 0); n != 1 {
				t.Errorf("%d attempts", n)
			}
			p.wantGone(t, name)
		}
	}
	for said, want := range map[int]string{
		302: "UNKNOWN", 400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 409: "ALREADY_EXISTS", 418: "UNKNOWN",
		429: "RESOURCE_EXHAUSTED", 499: "CANCELLED", 500: "INTERNAL", 501: "UNIMPLEMENTED", 502: "UNKNOWN", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
	} {
		all[fmt.Sprintf("1.8/response_status of %d", said)] = func(t *testing.T) {
			var code codes.Code
			if err := code.UnmarshalJSON([]byte(`"` + want + `"`)); err != nil {
				t.Fatal(err)
			}
			p := play(t, always(said))
			name := p.create(t, p.retrying(&cloudtaskspb.RetryConfig{MinBackoff: durationpb.New(anHour)})).GetName()
			p.run(t, time.Minute)
			got := p.get(t, name).GetLastAttempt().GetResponseStatus()
			if message := fmt.Sprintf("%s(%d): HTTP status code %d", want, code, said); codes.Code(got.GetCode()) != code || got.GetMessage() != message {
				t.Errorf("%v, want %v %q", got, code, message)
			}
		}
	}
	for value, want := range map[string][]float64{
		"Mon, 23 Nov 2026 09:31:15 GMT": {0, 59.012}, "Mon, 23 Nov 2020 09:31:15 GMT": {0, 10}, "soon": {0, 10}, "-5": {0, 10}, "": {0, 10},
	} {
		all[fmt.Sprintf("2.2/Retry-After %q", value)] = func(t *testing.T) {
			p := playReplies(t, func(_ *played, n int) reply {
				return []reply{{503, http.Header{"Retry-After": {value}}}, {status: 200}}[n]
			})
			p.create(t, p.retrying(&cloudtaskspb.RetryConfig{MinBackoff: durationpb.New(10 * time.Second)}))
			p.run(t, anHour)
			wantSeconds(t, p.times(), want...)
		}
	}
	all["2.2/Retry-After of 500 is not considered"] = func(t *testing.T) {
		p := playReplies(t, func(_ *played, n int) reply {
			return []reply{{500, http.Header{"Retry-After": {"30"}}}, {status: 200}}[n]
		})
		p.create(t, p.retrying(&cloudtaskspb.RetryConfig{MinBackoff: durationpb.New(10 * time.Second)}))
		p.run(t, anHour)
		wantSeconds(t, p.times(), 0, 10)
	}
	for _, status := range []int{429, 503} {
		all[fmt.Sprintf("2.2/Retry-After of %d", status)] = func(t *testing.T) {
			p := playReplies(t, func(_ *played, n int) reply {
				return []reply{{status, http.Header{"Retry-After": {"30"}}}, {status, http.Header{"Retry-After": {"1"}}}, {status: 200}}[n]
			})
			p.create(t, p.retrying(&cloudtaskspb.RetryConfig{MinBackoff: durationpb.New(10 * time.Second)}))
			p.run(t, anHour)
			wantSeconds(t, p.times(), 0, 30, 50) // the longer of it and of the back-off, 10 s and then 20 s
		}
	}
	return all
}

// wantGone checks that a task was removed, and that it is said to have been there.
func (e *emulated) wantGone(t *testing.T, name string) {
	t.Helper()
	_, err := e.client.GetTask(t.Context(), &cloudtaskspb.GetTaskRequest{Name: name})
	wantStatus(t, err, codes.NotFound, taskGone)
}

// wantNoResponse attempts a task for url, which must end without a response and be tried again.
func wantNoResponse(t *testing.T, url string) {
	t.Helper()
	e := fresh(t, setup{})
	task := httpTask(url, "")
	task.RetryConfig = &cloudtaskspb.RetryConfig{MinBackoff: durationpb.New(anHour)}
	name := e.create(t, task).GetName()
	if n := e.run(t, 0); n != 1 {
		t.Errorf("%d attempts, want 1", n)
	}
	got := e.get(t, name)
	last := got.GetLastAttempt()
	if got.GetDispatchCount() != 1 || got.GetResponseCount() != 0 || last.GetResponseTime() != nil || last.GetResponseStatus().GetCode() == 0 {
		t.Errorf("%v, want an attempt without a response", got)
	}
	if want := restClock().Add(anHour).Truncate(time.Microsecond); !got.GetScheduleTime().AsTime().Equal(want) {
		t.Errorf("due again at %v, want %v", got.GetScheduleTime().AsTime(), want)
	}
}

// raw is a server that receives one request and answers it with what it was told, whatever that is.
type raw struct {
	addr     string
	received <-chan string // the head of the request
}

func rawWorker(t *testing.T, answer string) raw {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	received := make(chan string, 10)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
				buffer := make([]byte, 64<<10)
				n, _ := conn.Read(buffer) // a small request comes in one piece
				received <- string(buffer[:n])
				_, _ = conn.Write([]byte(answer)) // the service may have hung up
			}()
		}
	}()
	return raw{listener.Addr().String(), received}
}

// retryCases are those of when a task is attempted again.
func retryCases() cases {
	second := durationpb.New(time.Second)
	all := cases{
		"2.3/back-off": func(t *testing.T) {
			p := play(t, always(500))
			p.create(t, p.retrying(&cloudtaskspb.RetryConfig{MinBackoff: durationpb.New(10 * time.Second), MaxBackoff: durationpb.New(300 * time.Second), MaxDoublings: 3, MaxAttempts: 9}))
			p.run(t, anHour)
			wantSeconds(t, p.times(), 0, 10, 30, 70, 150, 310, 550, 850, 1150) // after 10, 20, 40, 80, 160, 240, 300, 300
		},
		"2.3/back-off of the defaults": func(t *testing.T) {
			p := play(t, always(500))
			p.create(t, p.task(""))
			p.run(t, 2*time.Second)
			wantSeconds(t, p.times(), 0, 0.1, 0.3, 0.7, 1.5)
		},
		"2.3/back-off that would overflow": func(t *testing.T) {
			p := play(t, always(500))
			p.create(t, p.retrying(&cloudtaskspb.RetryConfig{MinBackoff: durationpb.New(anHour), MaxBackoff: durationpb.New(1000 * anHour), MaxDoublings: 1 << 30, MaxAttempts: 100}))
			p.run(t, 31*24*anHour)
			wantSeconds(t, p.times(), 0, 3600, 3*3600, 7*3600, 15*3600, 31*3600, 63*3600, 127*3600, 255*3600, 511*3600)
		},
		"2.3/back-off begins at the failure": func(t *testing.T) {
			p := play(t, func(p *played, n int) int {
				if n == 0 {
					p.advance(t, 5*time.Second)
					return 500
				}
				return 200
			})
			p.create(t, p.retrying(&cloudtaskspb.RetryConfig{MinBackoff: durationpb.New(10 * time.Second)}))
			p.run(t, anHour)
			wantSeconds(t, p.times(), 0, 15)
		},
		"2.3/the queue's settings": func(t *testing.T) {
			p := play(t, always(500))
			p.update(t, &cloudtaskspb.Queue{RetryConfig: &cloudtaskspb.RetryConfig{MaxAttempts: 3, MinBackoff: durationpb.New(2500 * time.Millisecond)}}, "retry_config")
			p.create(t, p.task(""))
			p.run(t, anHour)
			wantSeconds(t, p.times(), 0, 2.5, 7.5)
		},
		"2.3/the task's settings replace the queue's": func(t *testing.T) {
			p := play(t, always(500))
			p.update(t, &cloudtaskspb.Queue{RetryConfig: &cloudtaskspb.RetryConfig{MaxAttempts: 7, MinBackoff: durationpb.New(2 * time.Second), MaxDoublings: 1}}, "retry_config")
			p.create(t, p.retrying(&cloudtaskspb.RetryConfig{MaxAttempts: 5})) // and what is not set is the default, not the queue's
			p.run(t, anHour)
			wantSeconds(t, p.times(), 0, 0.1, 0.3, 0.7, 1.5)
		},
		"2.3/settings change for tasks that wait": func(t *testing.T) {
			p := play(t, always(500))
			p.update(t, &cloudtaskspb.Queue{RetryConfig: &cloudtaskspb.RetryConfig{MinBackoff: durationpb.New(10 * time.Second)}}, "retry_config")
			name := p.create(t, p.task("")).GetName()
			p.run(t, 0)
			p.update(t, &cloudtaskspb.Queue{RetryConfig: &cloudtaskspb.RetryConfig{MaxAttempts: 2}}, "retry_config")
			p.run(t, anHour)
			wantSeconds(t, p.times(), 0, 10)
			p.wantGone(t, name)
		},
	}
	for name, test := range map[string]struct {
		config *cloudtaskspb.RetryConfig
		want   int
	}{
		"by attempts":                             {&cloudtaskspb.RetryConfig{MaxAttempts: 3, MinBackoff: second, MaxBackoff: second}, 3},
		"after one attempt":                       {&cloudtaskspb.RetryConfig{MaxAttempts: 1}, 1},
		"by duration alone":                       {&cloudtaskspb.RetryConfig{MaxAttempts: -1, MaxRetryDuration: durationpb.New(5 * time.Second), MinBackoff: second, MaxBackoff: second}, 7},
		"by both, the duration later":             {&cloudtaskspb.RetryConfig{MaxAttempts: 3, MaxRetryDuration: durationpb.New(5 * time.Second), MinBackoff: second, MaxBackoff: second}, 7},
		"by both, the attempts later":             {&cloudtaskspb.RetryConfig{MaxAttempts: 8, MaxRetryDuration: durationpb.New(5 * time.Second), MinBackoff: second, MaxBackoff: second}, 8},
		"by default":                              {&cloudtaskspb.RetryConfig{MinBackoff: second, MaxBackoff: second}, 100},
		"with a duration and attempts by default": {&cloudtaskspb.RetryConfig{MaxRetryDuration: durationpb.New(5 * time.Second), MinBackoff: second, MaxBackoff: second}, 100},
	} {
		all["2.3/given up "+name] = func(t *testing.T) {
			p := play(t, always(500))
			id := p.create(t, p.retrying(test.config)).GetName()
			p.run(t, anHour)
			if n := len(p.seen); n != test.want {
				t.Errorf("%d attempts, want %d", n, test.want)
			}
			p.wantGone(t, id)
		}
	}
	all["2.3/unlimited until 31 days"] = func(t *testing.T) {
		p := play(t, always(500))
		day := durationpb.New(24 * anHour)
		name := p.create(t, p.retrying(&cloudtaskspb.RetryConfig{MaxAttempts: -1, MinBackoff: day, MaxBackoff: day})).GetName()
		p.run(t, 30*24*anHour)
		if got := p.get(t, name); got.GetDispatchCount() != 31 {
			t.Errorf("%d attempts in 30 days", got.GetDispatchCount())
		}
		p.run(t, 30*24*anHour)
		if len(p.seen) != 31 {
			t.Errorf("%d attempts, want 31: one a day for 31 days", len(p.seen))
		}
	}
	all["1.8/removed at 31 days, though it never ran"] = func(t *testing.T) {
		p := play(t, always(200))
		p.pause(t)
		name := p.create(t, p.task("")).GetName()
		p.run(t, 31*24*anHour-time.Second)
		p.get(t, name)
		p.run(t, time.Second)
		p.wantGone(t, name)
		p.resume(t)
		if n := p.run(t, anHour); n != 0 {
			t.Errorf("%d attempts of a task that had expired", n)
		}
	}
	return all
}

// limitCases are those of rate and concurrency.
func limitCases() cases {
	fill := func(t *testing.T, p *played, n int) {
		t.Helper()
		for i := range n {
			p.create(t, p.task(fmt.Sprint("t", i)))
		}
	}
	all := cases{
		"2.4/half a dispatch a second": func(t *testing.T) {
			p := play(t, always(200))
			p.setRate(t, 0.5)
			fill(t, p, 13) // the bucket holds ten
			p.run(t, time.Minute)
			wantSeconds(t, p.times(), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 4, 6)
		},
		"2.4/burst, then the rate": func(t *testing.T) {
			p := play(t, always(200))
			p.setRate(t, 100) // bursts of 20
			fill(t, p, 30)
			p.run(t, time.Second)
			want := make([]float64, 20)
			for i := 1; i <= 10; i++ {
				want = append(want, float64(i)/100)
			}
			wantSeconds(t, p.times(), want...)
		},
		"2.2/no ramp-up of a new queue": func(t *testing.T) {
			p := play(t, always(200))
			fill(t, p, 100) // which is the burst of 500 a second
			p.run(t, 0)
			if len(p.seen) != 100 {
				t.Errorf("%d attempts at once, want 100", len(p.seen))
			}
		},
		"2.4/retries take tokens": func(t *testing.T) {
			p := play(t, always(500))
			p.setRate(t, 0.1)
			p.create(t, p.retrying(&cloudtaskspb.RetryConfig{MinBackoff: durationpb.New(time.Millisecond), MaxBackoff: durationpb.New(time.Millisecond)}))
			p.run(t, 25*time.Second)
			if got := p.times(); len(got) != 12 || got[10].Round(time.Second) != 10*time.Second || got[11].Round(time.Second) != 20*time.Second {
				t.Errorf("attempts at %v, want ten at once and one every ten seconds", got)
			}
		},
		"2.4/RunTask takes no token": func(t *testing.T) {
			p := play(t, always(200))
			p.setRate(t, 0.01)
			fill(t, p, 12)
			p.run(t, 0)
			if len(p.seen) != 10 {
				t.Fatalf("%d attempts at once, want 10", len(p.seen))
			}
			if _, err := p.client.RunTask(t.Context(), &cloudtaskspb.RunTaskRequest{Name: queueName + "/tasks/t10"}); err != nil {
				t.Fatal(err)
			}
			p.run(t, 99*time.Second)
			if len(p.seen) != 11 {
				t.Errorf("%d attempts, want RunTask's only", len(p.seen))
			}
			p.run(t, time.Second) // when the next token is there, as if RunTask had not been
			wantStrings(t, "tasks", p.header("X-CloudTasks-TaskName")[10:], "t10", "t11")
		},
		"2.4/the rate changes at once": func(t *testing.T) {
			p := play(t, always(200))
			p.setRate(t, 0.01) // a dispatch in 100 seconds, after ten at once
			fill(t, p, 12)
			p.run(t, time.Second)
			if len(p.seen) != 10 {
				t.Fatalf("%d attempts at once, want 10", len(p.seen))
			}
			p.setRate(t, 1)
			p.run(t, 3*time.Second)
			if len(p.seen) != 12 {
				t.Errorf("%d attempts after the rate was raised, want 12", len(p.seen))
			}
		},
		"2.4/concurrency":                     testConcurrency,
		"2.4/the concurrency changes at once": testConcurrencyChanges,
		"2.4/PAUSED dispatches nothing": func(t *testing.T) {
			p := play(t, always(200))
			p.pause(t)
			fill(t, p, 3)
			if n := p.run(t, 24*anHour); n != 0 {
				t.Errorf("%d attempts while paused", n)
			}
			p.resume(t)
			if n := p.run(t, 0); n != 3 {
				t.Errorf("%d attempts once resumed, want 3", n)
			}
		},
	}
	return all
}

// busyWorker holds every request until it is told to go on.
type busyWorker struct {
	url     string
	began   chan string // task ids
	release chan struct{}
}

func newBusyWorker(t *testing.T) busyWorker {
	t.Helper()
	w := busyWorker{began: make(chan string, 100), release: make(chan struct{})}
	w.url = serveHTTP(t, func(_ http.ResponseWriter, r *http.Request) {
		w.began <- r.Header.Get("X-CloudTasks-TaskName")
		select {
		case <-w.release:
		case <-r.Context().Done():
		case <-time.After(20 * time.Second):
		}
	})
	return w
}

func (w busyWorker) next(t *testing.T) string {
	t.Helper()
	select {
	case id := <-w.began:
		return id
	case <-time.After(10 * time.Second):
		t.Fatal("the worker was not called")
		return ""
	}
}

// quiet checks that nothing else reaches the worker for a while.
func (w busyWorker) quiet(t *testing.T) {
	t.Helper()
	select {
	case id := <-w.began:
		t.Errorf("%s was attempted beyond the limit", id)
	case <-time.After(30 * time.Millisecond):
	}
}

func (w busyWorker) task(id string) *cloudtaskspb.Task {
	task := httpTask(w.url, "")
	task.Name = queueName + "/tasks/" + id
	return task
}

func testConcurrency(t *testing.T) {
	w := newBusyWorker(t)
	e := fresh(t, setup{real: true})
	e.setConcurrency(t, 2)
	for i := range 3 {
		e.create(t, w.task(fmt.Sprint("t", i)))
	}
	w.next(t)
	w.next(t)
	w.quiet(t)
	w.release <- struct{}{}
	w.next(t)
	close(w.release)
}

func testConcurrencyChanges(t *testing.T) {
	w := newBusyWorker(t)
	e := fresh(t, setup{real: true})
	e.setConcurrency(t, 1)
	for i := range 4 {
		e.create(t, w.task(fmt.Sprint("t", i)))
	}
	w.next(t)
	w.quiet(t)
	e.setConcurrency(t, 3)
	w.next(t)
	w.next(t)
	e.setConcurrency(t, 1)
	w.release <- struct{}{} // two are left, which is more than one
	w.quiet(t)
	w.release <- struct{}{}
	w.quiet(t)
	w.release <- struct{}{}
	w.next(t)
	close(w.release)
}

// runCases are those of RunTask.
func runCases() cases {
	runTask := func(t *testing.T, e *emulated, name string, view cloudtaskspb.Task_View) *cloudtaskspb.Task {
		t.Helper()
		task, err := e.client.RunTask(t.Context(), &cloudtaskspb.RunTaskRequest{Name: name, ResponseView: view})
		if err != nil {
			t.Fatal(err)
		}
		return task
	}
	later := func(p *played) *cloudtaskspb.Task {
		task := httpTask(p.url, "body")
		task.ScheduleTime = timestamppb.New(restClock().Add(anHour))
		task.RetryConfig = &cloudtaskspb.RetryConfig{MinBackoff: durationpb.New(time.Minute)}
		return task
	}
	return cases{
		"1.2/RunTask of a task that is scheduled": func(t *testing.T) {
			p := play(t, always(200))
			name := p.create(t, later(p)).GetName()
			runTask(t, p.emulated, name, 0)
			if len(p.seen) != 1 {
				t.Fatalf("%d attempts", len(p.seen))
			}
			p.wantGone(t, name) // success deletes it
			if n := p.run(t, 2*anHour); n != 0 {
				t.Errorf("%d attempts when it would have been due", n)
			}
		},
		"1.2/RunTask of a paused queue": func(t *testing.T) {
			p := play(t, always(200))
			p.pause(t)
			runTask(t, p.emulated, p.create(t, p.task("")).GetName(), 0)
			if len(p.seen) != 1 {
				t.Errorf("%d attempts", len(p.seen))
			}
		},
		"1.2/RunTask beyond the concurrency": func(t *testing.T) {
			w := newBusyWorker(t)
			e := fresh(t, setup{real: true})
			e.setConcurrency(t, 1)
			e.create(t, w.task("first"))
			w.next(t)
			e.create(t, w.task("second"))
			w.quiet(t)
			runTask(t, e, queueName+"/tasks/second", 0)
			if got := w.next(t); got != "second" {
				t.Errorf("RunTask attempted %s", got)
			}
			close(w.release)
		},
		"2.4/RunTask makes no room for others": func(t *testing.T) {
			w := newBusyWorker(t)
			e := fresh(t, setup{real: true})
			e.setConcurrency(t, 1)
			e.pause(t)
			runTask(t, e, e.create(t, w.task("forced")).GetName(), 0)
			w.next(t)
			w.release <- struct{}{}
			eventually(t, "the forced task is gone", func() bool {
				_, err := e.client.GetTask(t.Context(), &cloudtaskspb.GetTaskRequest{Name: queueName + "/tasks/forced"})
				return status.Code(err) == codes.NotFound
			})
			for i := range 3 {
				e.create(t, w.task(fmt.Sprint("t", i)))
			}
			e.resume(t)
			w.next(t)
			w.quiet(t)
			close(w.release)
		},
		"1.2/RunTask of a task that is running": func(t *testing.T) { // Cloud Tasks would attempt it twice
			w := newBusyWorker(t)
			e := fresh(t, setup{real: true})
			name := e.create(t, w.task("t")).GetName()
			w.next(t)
			if got := runTask(t, e, name, 0); got.GetDispatchCount() != 1 || got.GetResponseCount() != 0 {
				t.Errorf("answered %v, want the task as it runs", got)
			}
			w.quiet(t)
			close(w.release)
		},
		"1.2/RunTask that fails": func(t *testing.T) {
			p := play(t, func(p *played, n int) int {
				p.advance(t, 10*time.Second)
				return 500
			})
			name := p.create(t, later(p)).GetName()
			p.advance(t, time.Second)
			runTask(t, p.emulated, name, 0)
			// The time of the call plus the delay, not that of the failure.
			if got, want := p.get(t, name).GetScheduleTime().AsTime(), restClock().Add(61*time.Second).Truncate(time.Microsecond); !got.Equal(want) {
				t.Errorf("due at %v after RunTask failed, want %v", got, want)
			}
		},
		"1.2/RunTask that fails for the last time": func(t *testing.T) {
			p := play(t, always(500))
			task := later(p)
			task.RetryConfig.MaxAttempts = 1
			name := p.create(t, task).GetName()
			runTask(t, p.emulated, name, 0)
			p.wantGone(t, name)
		},
		"1.2/RunTask answers in the basic view": func(t *testing.T) {
			p := play(t, always(500))
			got := runTask(t, p.emulated, p.create(t, later(p)).GetName(), 0)
			if got.GetView() != cloudtaskspb.Task_BASIC || got.GetHttpRequest().GetBody() != nil || got.GetHttpRequest().GetUrl() != p.url {
				t.Errorf("answered %v", got)
			}
		},
		"1.2/RunTask answers in the full view": func(t *testing.T) {
			p := play(t, always(500))
			got := runTask(t, p.emulated, p.create(t, later(p)).GetName(), cloudtaskspb.Task_FULL)
			if got.GetView() != cloudtaskspb.Task_FULL || string(got.GetHttpRequest().GetBody()) != "body" {
				t.Errorf("answered %v", got)
			}
		},
		"1.2/RunTask of a task that ran": func(t *testing.T) {
			p := play(t, always(200))
			name := p.create(t, p.task("")).GetName()
			p.run(t, 0)
			_, err := p.client.RunTask(t.Context(), &cloudtaskspb.RunTaskRequest{Name: name})
			wantStatus(t, err, codes.NotFound, notFound)
		},
		"1.2/RunTask counts as an attempt": func(t *testing.T) {
			p := play(t, inTurn(500, 200))
			p.create(t, later(p))
			name := p.create(t, p.retrying(&cloudtaskspb.RetryConfig{MinBackoff: durationpb.New(anHour)})).GetName()
			p.run(t, 0)
			runTask(t, p.emulated, name, 0)
			wantStrings(t, "retry counts", p.header("X-CloudTasks-TaskRetryCount"), "0", "1")
		},
	}
}

func appEngineCases() cases {
	attempts := func(t *testing.T, key string, want ...string) {
		t.Helper()
		p := play(t, inTurn(503, 404, 429, 500, 302, 200))
		task := appEngineTask(&cloudtaskspb.AppEngineHttpRequest{RelativeUri: "/work?a=b", Body: []byte("x")})
		task.Name = queueName + "/tasks/t1"
		p.create(t, task)
		p.run(t, anHour)
		wantStrings(t, key, p.header(key), want...)
	}
	repeat := func(s string) []string { return []string{s, s, s, s, s, s} }
	all := make(cases)
	for key, want := range map[string][]string{
		"X-AppEngine-QueueName":            repeat("q"),
		"X-AppEngine-TaskName":             repeat("t1"),
		"X-AppEngine-TaskRetryCount":       {"0", "1", "2", "3", "4", "5"},
		"X-AppEngine-TaskExecutionCount":   {"0", "1", "2", "3", "4", "5"},
		"X-AppEngine-TaskPreviousResponse": {"-", "503", "404", "429", "500", "302"},
		"X-AppEngine-TaskRetryReason":      {"-", "App Error", "App Error", "App Error", "App Error", "App Error"},
		"X-CloudTasks-TaskName":            repeat("-"),
		"User-Agent":                       repeat("AppEngine-Google; (+http://code.google.com/appengine)"),
		"Content-Type":                     repeat("application/octet-stream"),
	} {
		all["2.1/App Engine, recorded "+key] = func(t *testing.T) { attempts(t, key, want...) }
	}
	all["2.1/App Engine, after a timeout"] = func(t *testing.T) {
		p := play(t, func(p *played, n int) int {
			if n == 0 {
				p.advance(t, time.Minute)
			}
			return 200
		})
		task := appEngineTask(&cloudtaskspb.AppEngineHttpRequest{})
		task.DispatchDeadline = durationpb.New(15 * time.Second)
		p.create(t, task)
		p.run(t, anHour)
		wantStrings(t, "previous", p.header("X-AppEngine-TaskPreviousResponse"), "-", "0")
		wantStrings(t, "reason", p.header("X-AppEngine-TaskRetryReason"), "-", "Instance Unavailable")
		wantStrings(t, "executions", p.header("X-AppEngine-TaskExecutionCount"), "0", "0")
	}
	all["2.2/App Engine follows no redirect"] = func(t *testing.T) {
		p := playReplies(t, func(_ *played, n int) reply { return reply{302, http.Header{"Location": {"/to"}}} })
		task := appEngineTask(&cloudtaskspb.AppEngineHttpRequest{RelativeUri: "/from"})
		task.RetryConfig = &cloudtaskspb.RetryConfig{MinBackoff: durationpb.New(anHour)}
		name := p.create(t, task).GetName()
		p.run(t, 0)
		if got := p.get(t, name); len(p.seen) != 1 || got.GetLastAttempt().GetResponseStatus().GetMessage() != "UNKNOWN(2): HTTP status code 302" {
			t.Errorf("%d requests, %v", len(p.seen), got)
		}
	}
	for status, want := range map[int][]float64{429: {0, 1, 3}, 503: {0, 30, 60}} {
		all[fmt.Sprintf("2.2/App Engine, Retry-After of %d", status)] = func(t *testing.T) {
			p := playReplies(t, func(_ *played, n int) reply {
				if n < 2 {
					return reply{status, http.Header{"Retry-After": {"30"}}}
				}
				return reply{status: 200}
			})
			task := appEngineTask(&cloudtaskspb.AppEngineHttpRequest{})
			task.RetryConfig = &cloudtaskspb.RetryConfig{MinBackoff: durationpb.New(time.Second)}
			p.create(t, task)
			p.run(t, anHour)
			wantSeconds(t, p.times(), want...)
		}
	}
	all["2.1/App Engine, request as the task has it"] = func(t *testing.T) {
		p := play(t, always(200))
		p.create(t, appEngineTask(&cloudtaskspb.AppEngineHttpRequest{HttpMethod: cloudtaskspb.HttpMethod_PUT, RelativeUri: "/work?a=b", Body: []byte("body")}))
		p.run(t, 0)
		if len(p.seen) != 1 || p.seen[0].method != "PUT" || p.seen[0].uri != "/work?a=b" || p.seen[0].body != "body" {
			t.Errorf("received %+v", p.seen)
		}
	}
	all["1.3/app_engine_routing_override beats the task's routing"] = testRoutingOverride
	return all
}

func testRoutingOverride(t *testing.T) {
	var paths []string
	url := serveHTTP(t, func(_ http.ResponseWriter, r *http.Request) { paths = append(paths, r.URL.Path) })
	e := fresh(t, setup{appEngine: map[string]string{"task": url + "/task", "queue": url + "/queue"}})
	task := appEngineTask(&cloudtaskspb.AppEngineHttpRequest{AppEngineRouting: &cloudtaskspb.AppEngineRouting{Service: "task"}})
	e.create(t, task)
	e.run(t, 0)
	updated := e.update(t, &cloudtaskspb.Queue{AppEngineRoutingOverride: &cloudtaskspb.AppEngineRouting{Service: "queue", Version: "v1"}}, "app_engine_routing_override")
	if got := updated.GetAppEngineRoutingOverride().GetHost(); got != "v1.queue.p.appspot.com" {
		t.Errorf("host %q", got)
	}
	e.create(t, task)
	e.create(t, httpTask(url+"/http", "")) // which it does not concern
	e.run(t, 0)
	if diff := cmp.Diff([]string{"/task/", "/queue/", "/http"}, paths); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}
