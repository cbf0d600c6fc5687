package emulator_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The commands of gcloud work, where there is one: it takes another address for the API.
func TestGcloud(t *testing.T) {
	t.Parallel()
	gcloud, err := exec.LookPath("gcloud")
	if err != nil {
		t.Skip("no gcloud is installed")
	}
	e := fresh(t, setup{})
	environment := append(os.Environ(), "CLOUDSDK_CONFIG="+t.TempDir(), "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDTASKS=http://"+e.addr+"/",
		"CLOUDSDK_AUTH_DISABLE_CREDENTIALS=true", "CLOUDSDK_CORE_PROJECT=p", "CLOUDSDK_CORE_DISABLE_PROMPTS=true", "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING=true",
		"NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
	run := func(command string) string {
		cmd := exec.CommandContext(t.Context(), gcloud, append([]string{"tasks"}, strings.Fields(command+" --location=l")...)...)
		cmd.Env = environment
		out, err := cmd.CombinedOutput()
		if err != nil {
			return err.Error() + ": " + string(out)
		}
		return string(out)
	}
	for _, step := range []struct{ command, want string }{
		{"queues create emails --max-attempts=10 --min-backoff=1s --max-concurrent-dispatches=50", "Created queue [l/emails].\n"},
		{"queues update emails --max-attempts=unlimited --max-dispatches-per-second=2.5 --http-uri-override=host:worker.example", "Updated queue [l/emails].\n"},
		{"queues describe emails --format=value(retryConfig.maxAttempts,retryConfig.minBackoff,rateLimits.maxDispatchesPerSecond,rateLimits.maxConcurrentDispatches,httpTarget.uriOverride.host)",
			"-1\t1s\t2.5\t50\tworker.example\n"},
		{"create-http-task one --queue=emails --url=http://worker.example/ --body-content=hello --schedule-time=2026-12-01T00:00:00Z",
			"Created task [projects/p/locations/l/queues/emails/tasks/one].\n"},
		{"describe one --queue=emails --response-view=full --format=value(httpRequest.body,scheduleTime)", "aGVsbG8=\t2026-12-01T00:00:00Z\n"},
		{"buffer --queue=emails", "Buffered task in queue [l/emails].\n"},
		{"list --queue=emails --format=value(httpRequest.url)", "http://worker.example/\nhttps://worker.example\n"},
		{"delete one --queue=emails", "Deleted task [one].\n"},
		{"describe one --queue=emails", "exit status 1: ERROR: (gcloud.tasks.describe) NOT_FOUND: " + taskGone},
		{"queues add-iam-policy-binding emails --member=user:a@b.example --role=roles/cloudtasks.enqueuer --format=value(bindings.members)", "Updated IAM policy for queue [emails].\n['user:a@b.example']\n"},
		{"queues delete emails", "Deleted queue [l/emails].\n"},
		{"queues create emails", "exit status 1: ERROR: (gcloud.tasks.queues.create) FAILED_PRECONDITION: The queue cannot be created because a queue with this name existed too recently."},
	} {
		if got := run(step.command); !strings.HasPrefix(got, step.want) {
			t.Errorf("gcloud tasks %s:\n%s", step.command, cmp.Diff(step.want, got))
		}
	}
}
