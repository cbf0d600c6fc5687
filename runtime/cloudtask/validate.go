package cloudtask

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// problem is one reason why a configuration cannot work.
type problem struct {
	field string // of Config
	value any    // nil where there is none to show
	text  string // what is allowed
}

func (p problem) describe(name string) error {
	if p.value == nil {
		return fmt.Errorf("%s: %s", name, p.text)
	}
	if s, ok := p.value.(string); ok {
		return fmt.Errorf("%s %q: %s", name, s, p.text)
	}
	return fmt.Errorf("%s %v: %s", name, p.value, p.text)
}

// joinProblems returns one error that says everything, or nil.
func joinProblems(what string, problems []problem) error {
	if len(problems) == 0 {
		return nil
	}
	errs := make([]error, len(problems))
	for i, p := range problems {
		errs[i] = p.describe(p.field)
	}
	return fmt.Errorf("%s: %w", what, errors.Join(errs...))
}

var (
	pathPrefixPattern     = regexp.MustCompile(`^/?([A-Za-z0-9._~-]+/)*[A-Za-z0-9._~-]*$`)
	serviceAccountPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?@([a-z0-9-]+\.)+gserviceaccount\.com$`)
)

// problems returns what is wrong with the values of fields, whoever reads them.
func (cfg Config) problems() []problem {
	var found []problem
	report := func(field string, value any, format string, args ...any) {
		found = append(found, problem{field, value, fmt.Sprintf(format, args...)})
	}
	check := func(field, value string, err error) {
		if err != nil {
			report(field, value, "%s", err)
		}
	}
	if cfg.Project != "" && !rules.ValidProject(cfg.Project) {
		report("Project", cfg.Project, `a project id holds only letters, digits, "-", ":" and "."`)
	}
	if cfg.Location != "" && !rules.ValidLocation(cfg.Location) {
		report("Location", cfg.Location, `a location holds only letters, digits and "-", as in europe-west1`)
	}
	if cfg.BaseURL != "" {
		check("BaseURL", cfg.BaseURL, checkBaseURL(cfg.BaseURL))
	}
	if cfg.PathPrefix != "" {
		check("PathPrefix", cfg.PathPrefix, checkPathPrefix(cfg.PathPrefix))
	}
	prefixErr := checkQueuePrefix(cfg.QueuePrefix)
	if check("QueuePrefix", cfg.QueuePrefix, prefixErr); prefixErr != nil {
		cfg.QueuePrefix = "" // said once
	}
	if cfg.Queue != "" {
		check("Queue", cfg.Queue, cfg.checkQueue(cfg.Queue))
	}
	if cfg.BackupQueue != "" {
		check("BackupQueue", cfg.BackupQueue, cfg.checkQueue(cfg.BackupQueue))
	}
	if cfg.MaxETA < 0 {
		report("MaxETA", cfg.MaxETA, "must not be negative; 0 means Cloud Tasks' own 30 days")
	}
	for _, name := range cfg.PropagatedHeaders {
		check("PropagatedHeaders", name, checkPropagated(name))
	}
	found = append(found, cfg.EnqueueRetry.problems()...)
	if cfg.CallTimeout < 0 {
		report("CallTimeout", cfg.CallTimeout, "must not be negative; 0 means %v", defaultCallTimeout)
	}
	if cfg.ServiceAccount != "" && !serviceAccountPattern.MatchString(cfg.ServiceAccount) {
		report("ServiceAccount", cfg.ServiceAccount,
			"want the e-mail address of a service account, such as NAME@PROJECT.iam.gserviceaccount.com")
	}
	for _, account := range cfg.AcceptedServiceAccounts {
		if !serviceAccountPattern.MatchString(account) {
			report("AcceptedServiceAccounts", account,
				"want e-mail addresses of service accounts, such as NAME@PROJECT.iam.gserviceaccount.com")
		}
	}
	for _, audience := range cfg.Audiences {
		if strings.TrimSpace(audience) == "" {
			report("Audiences", audience, "an audience must not be empty")
		}
	}
	if cfg.EmulatorHost != "" {
		check("EmulatorHost", cfg.EmulatorHost, rules.CheckEmulator(cfg.EmulatorHost))
	}
	if cfg.MaxBody < 0 {
		report("MaxBody", cfg.MaxBody, "must not be negative; 0 means %d bytes", defaultMaxBody)
	}
	return append(found, cfg.SaveFailures.problems()...)
}

// problems returns what is wrong with the policy as Config.EnqueueRetry.
func (p RetryPolicy) problems() []problem {
	var found []problem
	report := func(field string, value any, text string) {
		found = append(found, problem{"EnqueueRetry." + field, value, text})
	}
	for _, code := range p.On {
		switch {
		case code < OK || code > Unauthenticated:
			report("On", code, "is not a gRPC status code")
		case code == OK || code == AlreadyExists:
			report("On", code, "is not a failure that a retry can mend")
		}
	}
	const sign = "must not be negative"
	if p.Initial < 0 {
		report("Initial", p.Initial, sign)
	}
	if p.Max < 0 {
		report("Max", p.Max, sign)
	}
	if p.Initial > p.Max && p.Max > 0 {
		report("Initial", p.Initial, fmt.Sprintf("must not be longer than Max, which is %v", p.Max))
	}
	if p.Multiplier != 0 && (!(p.Multiplier >= 1) || math.IsInf(p.Multiplier, 1)) {
		report("Multiplier", p.Multiplier, "want a finite number of at least 1; 0 means 2")
	}
	if p.Deadline < 0 {
		report("Deadline", p.Deadline, sign)
	}
	return found
}

// undeliverable returns why Cloud Tasks could not deliver the tasks of a client of this configuration, or their handler
// would refuse them.
func (cfg Config) undeliverable() []problem {
	var found []problem
	report := func(field string, value any, text string) {
		found = append(found, problem{field, value, text})
	}
	const locally = "; to use an embedded queue, set its address, in the environment CLOUD_TASKS_EMULATOR_HOST"
	tokenless := cfg.InsecureNoAuth || cfg.Authenticator != nil
	if cfg.ServiceAccount == "" && !tokenless {
		report("ServiceAccount", nil, "not set, so tasks would carry no token and the handler would answer 401; set the service account whose "+
			"tokens go with the tasks, in the environment CLOUDTASK_SERVICE_ACCOUNT; where tasks are meant to go without a token, "+
			"set InsecureNoAuth (CLOUDTASK_INSECURE_NO_AUTH=true)")
	}
	switch u, err := url.Parse(cfg.BaseURL); {
	case cfg.BaseURL == "":
		report("BaseURL", nil, "not set; set the https URL of the service that runs the tasks, in the environment CLOUDTASK_BASE_URL"+locally)
	case err != nil: // reported with the other values
	case isThisMachine(u.Hostname()):
		report("BaseURL", cfg.BaseURL, "is this machine's own address, which Cloud Tasks cannot reach; set the https URL of the service that runs the tasks"+locally)
	case u.Scheme == "http" && (cfg.ServiceAccount != "" || !tokenless):
		report("BaseURL", cfg.BaseURL, "Cloud Tasks sends tokens to https URLs only; want https")
	}
	return found
}

// isThisMachine reports whether the host of a URL is a loopback address or none at all, which every machine takes for
// itself.
func isThisMachine(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && (addr.Unmap().IsLoopback() || addr.Unmap().IsUnspecified())
}

func checkBaseURL(s string) error {
	const want = "want an absolute http or https URL without query and fragment, such as https://tasks.example.com"
	for _, c := range s {
		if c <= ' ' || c >= 0x7f || strings.ContainsRune(`"<>\^{|}`+"`", c) {
			return fmt.Errorf("%q does not belong in a URL; %s", c, want)
		}
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return fmt.Errorf("%s (%w)", want, err)
	case !strings.HasPrefix(s, "http://") && !strings.HasPrefix(s, "https://"), u.Hostname() == "":
		return errors.New(want)
	case u.Port() != "" && !validPort(u.Port()):
		return fmt.Errorf("%q is not a port from 1 to 65535; %s", u.Port(), want)
	case u.User != nil:
		return errors.New("must not hold a user or password; " + want)
	case strings.ContainsAny(s, "?#"):
		return errors.New(want)
	}
	return nil
}

func checkPathPrefix(s string) error {
	if !pathPrefixPattern.MatchString(s) {
		return errors.New(`want path segments of letters, digits, "-", "_", "~" and "." between single slashes, such as /tasks/`)
	}
	for segment := range strings.SplitSeq(s, "/") {
		if segment == "." || segment == ".." {
			return fmt.Errorf("must not hold the segment %q", segment)
		}
	}
	return nil
}

func validPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

func checkQueueID(id string) error {
	if n := len(id); n == 0 || n > rules.MaxQueueID {
		return fmt.Errorf("a queue id has 1 to %d characters, this one %d", rules.MaxQueueID, n)
	}
	if !rules.ValidQueueID(id) {
		return errors.New(`a queue id holds only letters, digits and "-"` + shortIDHint(id))
	}
	return nil
}

// checkQueuePrefix returns why no queue id can begin with the prefix, nil when one can.
func checkQueuePrefix(prefix string) error {
	if prefix == "" {
		return nil
	}
	if len(prefix) >= rules.MaxQueueID {
		return fmt.Errorf("has %d characters, a queue id has at most %d with it", len(prefix), rules.MaxQueueID)
	}
	return checkQueueID(prefix)
}

// checkQueue returns why the program cannot have a queue of this id, nil when it can.
func (cfg *Config) checkQueue(id string) error {
	if err := checkQueueID(id); err != nil {
		return err
	}
	if n := len(cfg.QueuePrefix) + len(id); n > rules.MaxQueueID {
		return fmt.Errorf("with QueuePrefix %q it has %d characters, Cloud Tasks allows %d", cfg.QueuePrefix, n, rules.MaxQueueID)
	}
	return nil
}

func checkTaskID(id string) error {
	if n := len(id); n == 0 || n > rules.MaxTaskID {
		return fmt.Errorf("a task id has 1 to %d characters, this one %d", rules.MaxTaskID, n)
	}
	if !rules.ValidTaskID(id) {
		return errors.New(`a task id holds only letters, digits, "-" and "_"` + shortIDHint(id))
	}
	return nil
}

// shortIDHint helps who gave a full resource name where an id is wanted.
func shortIDHint(id string) string {
	if strings.HasPrefix(id, "projects/") {
		return fmt.Sprintf("; give the last part, %q, not the full resource name", rules.Last(id))
	}
	return ""
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// shorten quotes s for an error message, without flooding it.
func shorten(s string) string {
	const most = 120
	if len(s) <= most {
		return strconv.Quote(s)
	}
	return fmt.Sprintf("%q… (%d bytes)", s[:most], len(s))
}
