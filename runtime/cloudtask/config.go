package cloudtask

import (
	"cmp"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Config configures clients and handlers: where the queues are, where Cloud Tasks reaches the handler, and how tasks are enqueued and run.
// Give a client and its handler the same Config, so that one sends what the other expects. Each checks the fields that it needs when it
// is made, and reports all problems in one error. The zero value of a field means its default. [ConfigFromEnv] reads the environment
// variables that are named with each field.
type Config struct {
	// Project is the id of the Google Cloud project that owns the queues, such as "my-project" or
	// "example.com:my-project". A client that enqueues needs it; it is checked only for the characters that Cloud Tasks
	// allows in names: letters, digits, "-", ":" and ".". CLOUDTASK_PROJECT, else GOOGLE_CLOUD_PROJECT.
	Project string

	// Location is the region of the queues, such as "europe-west1". A client that enqueues needs it; letters, digits and
	// "-". CLOUDTASK_LOCATION.
	Location string

	// BaseURL is where Cloud Tasks reaches the handler: an absolute http or https URL, without query, fragment or user,
	// such as the URL of a Cloud Run service. It may have a path, to which PathPrefix is appended; a slash at its end is
	// dropped. Default http://localhost:8080, which only an embedded queue can reach: a client of Cloud Tasks itself needs
	// an https URL of another machine, and a handler that checks OIDC tokens the same or Audiences. CLOUDTASK_BASE_URL.
	BaseURL string

	// PathPrefix is the part of a task's URL between BaseURL and the task type's name. Missing slashes at its ends are added: "tasks"
	// means "/tasks/". Its segments hold letters, digits, "-", "_", "~" and ".".
	// Default /tasks/. CLOUDTASK_PATH_PREFIX.
	PathPrefix string

	// AppName names the default queue where Queue is empty. CLOUDTASK_APP_NAME, else APP_NAME.
	AppName string

	// Queue is the id of the queue of tasks that name no other: 1 to 100 letters, digits and "-". Default: AppName, and
	// "tasks" where that is empty too. CLOUDTASK_QUEUE.
	Queue string

	// BackupQueue is the id of a queue that takes the tasks whose own queue does not exist, because it was deleted and
	// Cloud Tasks does not let it be created again for some days. Such a task's receipt names the backup queue, and a
	// warning is logged. Names of tasks are remembered per queue: a task that is queued under the same name in its own
	// queue is no duplicate there. Default: none. CLOUDTASK_BACKUP_QUEUE.
	BackupQueue string

	// QueuePrefix is put in front of every queue id that the program names: Queue and its defaults, BackupQueue, directives,
	// Queue methods, [WithQueue] and [InQueue]. With "staging-", tasks of queue "emails" go to the queue "staging-emails",
	// so that staging and production share a project. Letters, digits and "-"; a queue id has at most 100 characters with
	// it. Full resource names are taken as they are. [Metadata] and receipts have the id in Cloud Tasks, with the prefix.
	// CLOUDTASK_QUEUE_PREFIX.
	QueuePrefix string

	// Eager makes every enqueue run the task at once, in the caller's goroutine and through the routes given to
	// [NewClient], instead of sending it to a queue. It runs at once whatever its time, and the enqueue's error is Run's.
	// Everything is checked as it is for a real enqueue, except that Project and Location may be empty, and that no names
	// are remembered: a task that is once or unique runs every time. For tests and local work. CLOUDTASK_EAGER.
	Eager bool

	// MaxETA is how far in the future a task may be scheduled. It applies to Later, Until and WithDelay. 0 means Cloud
	// Tasks' own limit of 30 days, which applies beside a longer one too. CLOUDTASK_MAXIMUM_ETA.
	MaxETA time.Duration

	// PropagatedHeaders are the names of the headers that go from an incoming request (see [PropagateHeaders]), or from
	// the task that is running, into the tasks enqueued from its context. nil means traceparent; a list without names
	// propagates nothing. Headers that Cloud Tasks sets itself cannot be propagated. CLOUDTASK_PROPAGATED_HEADERS,
	// comma-separated, where "," propagates nothing.
	PropagatedHeaders []string

	// EnqueueRetry is how an enqueue is retried where the task's directive does not say; a directive that leaves a value
	// out takes it from here. The zero value retries nothing. CLOUDTASK_ENQUEUE_RETRY_ON (comma-separated code names),
	// _INITIAL, _MAX, _MULTIPLIER and _DEADLINE.
	EnqueueRetry RetryPolicy

	// CallTimeout limits each call to the queue service; a call that takes longer has failed with DEADLINE_EXCEEDED.
	// Default 20 s. CLOUDTASK_CALL_TIMEOUT.
	CallTimeout time.Duration

	// ServiceAccount is the e-mail address of the service account whose OIDC token Cloud Tasks sends with every task and
	// the handler expects: NAME@PROJECT.iam.gserviceaccount.com or another address under gserviceaccount.com. Without it
	// tasks carry no token, which a client of Cloud Tasks itself refuses unless InsecureNoAuth or Authenticator is set.
	// CLOUDTASK_SERVICE_ACCOUNT.
	ServiceAccount string

	// AcceptedServiceAccounts are the addresses of further service accounts whose tokens the handler accepts: that of Cloud
	// Scheduler's jobs, or the account before, while tasks that carry its token are in flight. They need not be of this
	// project. CLOUDTASK_ACCEPTED_SERVICE_ACCOUNTS, comma-separated.
	AcceptedServiceAccounts []string

	// Audiences are the audiences of OIDC tokens that the handler accepts; the first goes into enqueued tasks. Several
	// are for the time in which BaseURL changes. Default: BaseURL. CLOUDTASK_AUDIENCES, comma-separated.
	Audiences []string

	// Authenticator replaces the handler's OIDC check. A client that has one may do without ServiceAccount.
	Authenticator Authenticator

	// InsecureNoAuth lets anyone who reaches the handler run tasks and set the metadata that they see. For tests and
	// local work, and where something in front of the handler authenticates. It excludes Authenticator. In a client it
	// says that tasks are meant to go without a token where ServiceAccount is empty, and to an http URL if need be; where
	// ServiceAccount is set they carry its token all the same. CLOUDTASK_INSECURE_NO_AUTH.
	InsecureNoAuth bool

	// EmulatorHost is the HOST:PORT of an embedded queue, such as that of "cloudtask dev", which replaces Cloud Tasks:
	// clients connect to it, and handlers trust the tokens that it issues. Refused where the variable K_SERVICE says that
	// the program runs on Cloud Run, unless K_REVISION is "local", as in Google's local emulator of Cloud Run.
	// CLOUD_TASKS_EMULATOR_HOST.
	EmulatorHost string

	// MaxBody is the size in bytes of the largest payload that the handler reads. Default 1 MiB, which is more than a
	// task can hold. CLOUDTASK_MAX_BODY.
	MaxBody int64

	// SaveFailures has the handler save each task that fails to a file, from which it can be sent again: tasks that are
	// out of attempts are gone from Cloud Tasks. Off unless its Dir is set. CLOUDTASK_SAVE_FAILURES_DIR, and
	// _MAX_FILES, _MAX_BYTES, _REDACT_HEADERS and _REDACT_FIELDS.
	SaveFailures FailureFiles

	// Logger receives one line for each task that is enqueued (debug) or run. Default: what [slog.Default] is when the
	// client or handler is made.
	Logger *slog.Logger
}

// Defaults of Config.
const (
	defaultBaseURL     = "http://localhost:8080"
	defaultPathPrefix  = "/tasks/"
	defaultQueue       = "tasks"
	defaultHeader      = "Traceparent"
	defaultCallTimeout = 20 * time.Second
	defaultMaxBody     = 1 << 20
)

// withDefaults returns cfg with its empty fields filled in and its URL parts, lists and header names in one form. It
// shares no memory with cfg, which the caller may go on to change.
func (cfg Config) withDefaults() Config {
	if cfg.BaseURL == "" {
		cfg.BaseURL = defaultBaseURL
	}
	cfg.BaseURL = strings.TrimRight(cfg.BaseURL, "/")
	if cfg.PathPrefix == "" {
		cfg.PathPrefix = defaultPathPrefix
	}
	if cfg.PathPrefix[0] != '/' {
		cfg.PathPrefix = "/" + cfg.PathPrefix
	}
	if !strings.HasSuffix(cfg.PathPrefix, "/") {
		cfg.PathPrefix += "/"
	}
	if cfg.Queue == "" {
		cfg.Queue = cfg.AppName
	}
	if cfg.Queue == "" {
		cfg.Queue = defaultQueue
	}
	if cfg.PropagatedHeaders == nil {
		cfg.PropagatedHeaders = []string{defaultHeader}
	} else {
		names := []string{}
		for _, name := range cfg.PropagatedHeaders {
			if name = http.CanonicalHeaderKey(name); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		cfg.PropagatedHeaders = names
	}
	cfg.EnqueueRetry.On = slices.Clone(cfg.EnqueueRetry.On)
	if cfg.CallTimeout == 0 {
		cfg.CallTimeout = defaultCallTimeout
	}
	cfg.AcceptedServiceAccounts = slices.Clone(cfg.AcceptedServiceAccounts)
	cfg.Audiences = slices.Clone(cfg.Audiences)
	if len(cfg.Audiences) == 0 {
		cfg.Audiences = []string{cfg.BaseURL}
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = defaultMaxBody
	}
	cfg.SaveFailures = cfg.SaveFailures.withDefaults()
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return cfg
}

// forHandler returns cfg with its defaults filled in, or every reason why no handler can work with it.
func (cfg Config) forHandler() (Config, error) {
	problems := cfg.problems()
	switch {
	case cfg.InsecureNoAuth && cfg.Authenticator != nil:
		problems = append(problems, problem{field: "InsecureNoAuth",
			text: "set together with Authenticator: choose whether requests are authenticated"})
	case cfg.InsecureNoAuth || cfg.Authenticator != nil:
	case cfg.ServiceAccount == "" && len(cfg.AcceptedServiceAccounts) == 0:
		problems = append(problems, problem{field: "ServiceAccount",
			text: "not set, and neither is Authenticator, so that nobody could call the handler; set the service account " +
				"whose tokens go with the tasks, or InsecureNoAuth for tests and local work"})
	case cfg.BaseURL == "" && len(cfg.Audiences) == 0 && cfg.EmulatorHost == "":
		problems = append(problems, problem{field: "BaseURL",
			text: "not set, and neither is Audiences, so no token would be for this handler; set the URL that Cloud Tasks " +
				"sends the tasks to, in the environment CLOUDTASK_BASE_URL"})
	}
	return cfg.withDefaults(), joinProblems("handler configuration", problems)
}

// forClient returns cfg with its defaults filled in, or every reason why no client can work with it. cloudTasks says
// that the client is for Cloud Tasks itself.
func (cfg Config) forClient(cloudTasks bool, routes []Route) (Config, error) {
	problems := cfg.problems()
	if cfg.Eager && len(routes) == 0 {
		problems = append(problems, problem{field: "Eager", value: true,
			text: "there are no routes that could run the tasks; give NewClient the Routes of their packages"})
	}
	if !cfg.Eager {
		if cfg.Project == "" {
			problems = append(problems, problem{field: "Project",
				text: "not set; set the id of the Google Cloud project of the queues, in the environment CLOUDTASK_PROJECT or GOOGLE_CLOUD_PROJECT"})
		}
		if cfg.Location == "" {
			problems = append(problems, problem{field: "Location",
				text: "not set; set the region of the queues, such as europe-west1, in the environment CLOUDTASK_LOCATION"})
		}
	}
	if !cfg.Eager && cloudTasks {
		problems = append(problems, cfg.undeliverable()...)
	}
	if err := cfg.checkQueue(cmp.Or(cfg.AppName, defaultQueue)); cfg.Queue == "" && err != nil {
		p := problem{field: "AppName", value: cfg.AppName, text: "as the default queue: " + err.Error() + "; set Queue"}
		if cfg.AppName == "" {
			p = problem{field: "Queue", value: defaultQueue, text: "the default: " + err.Error()}
		}
		problems = append(problems, p)
	}
	return cfg.withDefaults(), joinProblems("client configuration", problems)
}
