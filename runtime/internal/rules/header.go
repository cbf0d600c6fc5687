package rules

import (
	"net/http"
	"strings"
)

// The headers that Cloud Tasks sends with each attempt, as it spells them.
const (
	HeaderQueueName        = "X-CloudTasks-QueueName"
	HeaderTaskName         = "X-CloudTasks-TaskName"
	HeaderRetryCount       = "X-CloudTasks-TaskRetryCount"
	HeaderExecutionCount   = "X-CloudTasks-TaskExecutionCount"
	HeaderETA              = "X-CloudTasks-TaskETA"
	HeaderPreviousResponse = "X-CloudTasks-TaskPreviousResponse"
	HeaderRetryReason      = "X-CloudTasks-TaskRetryReason"
)

// The same headers as [http.CanonicalHeaderKey] has them, the keys of an [http.Header].
const (
	KeyQueueName        = "X-Cloudtasks-Queuename"
	KeyTaskName         = "X-Cloudtasks-Taskname"
	KeyRetryCount       = "X-Cloudtasks-Taskretrycount"
	KeyExecutionCount   = "X-Cloudtasks-Taskexecutioncount"
	KeyETA              = "X-Cloudtasks-Tasketa"
	KeyPreviousResponse = "X-Cloudtasks-Taskpreviousresponse"
	KeyRetryReason      = "X-Cloudtasks-Taskretryreason"
)

const (
	// MaxHeaderBytes bounds the names and values of a task's headers, User-Agent included: they must have fewer bytes together.
	MaxHeaderBytes = 80 << 10

	// UserAgent is the User-Agent header that Cloud Tasks stores with each task and sends.
	UserAgent = "Google-Cloud-Tasks"
)

// CanonicalKey is [http.CanonicalHeaderKey]. It does not allocate for the headers that come with every attempt.
func CanonicalKey(name string) string {
	switch name {
	case HeaderQueueName:
		return KeyQueueName
	case HeaderTaskName:
		return KeyTaskName
	case HeaderRetryCount:
		return KeyRetryCount
	case HeaderExecutionCount:
		return KeyExecutionCount
	case HeaderETA:
		return KeyETA
	case HeaderPreviousResponse:
		return KeyPreviousResponse
	case HeaderRetryReason:
		return KeyRetryReason
	}
	return http.CanonicalHeaderKey(name)
}

// IsDispatchHeader reports whether Cloud Tasks sends a header of this name with each attempt.
func IsDispatchHeader(name string) bool { return isDispatchKey(CanonicalKey(name)) }

// IsRequestHeader reports whether a header of this name is computed for each request.
func IsRequestHeader(name string) bool { return isRequestKey(CanonicalKey(name)) }

// IsReservedHeader reports whether Cloud Tasks reserves a header of this name and drops it: X-Google-* and X-AppEngine-*.
func IsReservedHeader(name string) bool { return isReservedKey(CanonicalKey(name)) }

// IsServiceHeader reports whether one of the three above holds: Cloud Tasks does not store a task's header of this name.
func IsServiceHeader(name string) bool {
	key := CanonicalKey(name)
	return isDispatchKey(key) || isRequestKey(key) || isReservedKey(key)
}

// IsConnectionHeader reports whether a header of this name is about one connection (RFC 9110, 7.6.1), not about the request.
func IsConnectionHeader(name string) bool {
	switch CanonicalKey(name) {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

func isDispatchKey(key string) bool {
	switch key {
	case KeyQueueName, KeyTaskName, KeyRetryCount, KeyExecutionCount, KeyETA, KeyPreviousResponse, KeyRetryReason:
		return true
	}
	return false
}

func isRequestKey(key string) bool {
	switch key {
	case "Host", "Content-Length", "User-Agent":
		return true
	}
	return false
}

func isReservedKey(key string) bool {
	return strings.HasPrefix(key, "X-Google-") || strings.HasPrefix(key, "X-Appengine-")
}
