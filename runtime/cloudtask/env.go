package cloudtask

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// ConfigFromEnv reads a Config from the environment variables that its fields name. A variable that is empty counts as
// not set. Lists are comma-separated and replace the default; booleans are what [strconv.ParseBool] accepts; durations
// are in Go's syntax ("1h30m") or bare seconds ("90", "0.5").
//
// One error reports all problems: values that do not parse, or that neither client nor handler could work with, with the
// variable's name, its value and what is allowed; and variables whose names begin with CLOUDTASK_ and that no field has,
// with the nearest name that one has. Fields without a variable are left empty; their defaults are filled in by
// [NewClient] and [NewHandler].
func ConfigFromEnv() (Config, error) {
	var cfg Config
	var errs []error
	source := make(map[string]string) // the variable that each field came from, for messages
	unparsed := make(map[string]bool) // fields whose variable did not parse
	table := cfg.variables()
	for _, v := range table {
		name, value := v.lookUp()
		source[v.field] = name
		if value == "" {
			continue
		}
		if err := v.parse(value); err != nil {
			unparsed[v.field] = true
			errs = append(errs, fmt.Errorf("%s %q: %w", name, value, err))
		}
	}
	for _, p := range cfg.problems() {
		if !unparsed[p.field] {
			errs = append(errs, p.describe(source[p.field]))
		}
	}
	errs = append(errs, unknownVariables(os.Environ(), table)...)
	if len(errs) > 0 {
		return Config{}, fmt.Errorf("configuration from the environment: %w", errors.Join(errs...))
	}
	return cfg, nil
}

// variable is an environment variable of [ConfigFromEnv].
type variable struct {
	field string                   // of Config, with a dot before one of a field
	parse func(value string) error // sets the field
	names []string                 // the first that is set counts
}

// variables returns every variable that sets a field of cfg.
func (cfg *Config) variables() []variable {
	retry, failures := &cfg.EnqueueRetry, &cfg.SaveFailures
	return []variable{
		{"Project", into(&cfg.Project, parseText), []string{"CLOUDTASK_PROJECT", "GOOGLE_CLOUD_PROJECT"}},
		{"Location", into(&cfg.Location, parseText), []string{"CLOUDTASK_LOCATION"}},
		{"BaseURL", into(&cfg.BaseURL, parseText), []string{"CLOUDTASK_BASE_URL"}},
		{"PathPrefix", into(&cfg.PathPrefix, parseText), []string{"CLOUDTASK_PATH_PREFIX"}},
		{"AppName", into(&cfg.AppName, parseText), []string{"CLOUDTASK_APP_NAME", "APP_NAME"}},
		{"Queue", into(&cfg.Queue, parseText), []string{"CLOUDTASK_QUEUE"}},
		{"BackupQueue", into(&cfg.BackupQueue, parseText), []string{"CLOUDTASK_BACKUP_QUEUE"}},
		{"QueuePrefix", into(&cfg.QueuePrefix, parseText), []string{"CLOUDTASK_QUEUE_PREFIX"}},
		{"Eager", into(&cfg.Eager, parseBool), []string{"CLOUDTASK_EAGER"}},
		{"MaxETA", into(&cfg.MaxETA, parseDuration), []string{"CLOUDTASK_MAXIMUM_ETA"}},
		{"PropagatedHeaders", into(&cfg.PropagatedHeaders, parseList), []string{"CLOUDTASK_PROPAGATED_HEADERS"}},
		{"EnqueueRetry.On", into(&retry.On, parseCodes), []string{"CLOUDTASK_ENQUEUE_RETRY_ON"}},
		{"EnqueueRetry.Initial", into(&retry.Initial, parseDuration), []string{"CLOUDTASK_ENQUEUE_RETRY_INITIAL"}},
		{"EnqueueRetry.Max", into(&retry.Max, parseDuration), []string{"CLOUDTASK_ENQUEUE_RETRY_MAX"}},
		{"EnqueueRetry.Multiplier", into(&retry.Multiplier, parseFloat), []string{"CLOUDTASK_ENQUEUE_RETRY_MULTIPLIER"}},
		{"EnqueueRetry.Deadline", into(&retry.Deadline, parseDuration), []string{"CLOUDTASK_ENQUEUE_RETRY_DEADLINE"}},
		{"CallTimeout", into(&cfg.CallTimeout, parseDuration), []string{"CLOUDTASK_CALL_TIMEOUT"}},
		{"ServiceAccount", into(&cfg.ServiceAccount, parseText), []string{"CLOUDTASK_SERVICE_ACCOUNT"}},
		{"AcceptedServiceAccounts", into(&cfg.AcceptedServiceAccounts, parseList), []string{"CLOUDTASK_ACCEPTED_SERVICE_ACCOUNTS"}},
		{"Audiences", into(&cfg.Audiences, parseList), []string{"CLOUDTASK_AUDIENCES"}},
		{"InsecureNoAuth", into(&cfg.InsecureNoAuth, parseBool), []string{"CLOUDTASK_INSECURE_NO_AUTH"}},
		{"EmulatorHost", into(&cfg.EmulatorHost, parseText), []string{rules.EmulatorVariable}},
		{"MaxBody", into(&cfg.MaxBody, parseBytes), []string{"CLOUDTASK_MAX_BODY"}},
		{"SaveFailures.Dir", into(&failures.Dir, parseText), []string{"CLOUDTASK_SAVE_FAILURES_DIR"}},
		{"SaveFailures.MaxFiles", into(&failures.MaxFiles, parseCountOfFiles), []string{"CLOUDTASK_SAVE_FAILURES_MAX_FILES"}},
		{"SaveFailures.MaxBytes", into(&failures.MaxBytes, parseBytes), []string{"CLOUDTASK_SAVE_FAILURES_MAX_BYTES"}},
		{"SaveFailures.RedactHeaders", into(&failures.RedactHeaders, parseList), []string{"CLOUDTASK_SAVE_FAILURES_REDACT_HEADERS"}},
		{"SaveFailures.RedactFields", into(&failures.RedactFields, parseList), []string{"CLOUDTASK_SAVE_FAILURES_REDACT_FIELDS"}},
	}
}

// into returns a function that sets the field to what parse makes of a value.
func into[T any](field *T, parse func(string) (T, error)) func(value string) error {
	return func(value string) error {
		result, err := parse(value)
		if err == nil {
			*field = result
		}
		return err
	}
}

// lookUp returns the variable's value and the name that it is set by; the first name where it is not set.
func (v *variable) lookUp() (name, value string) {
	for _, name := range v.names {
		if value := strings.TrimSpace(os.Getenv(name)); value != "" {
			return name, value
		}
	}
	return v.names[0], ""
}

// variablePrefix begins the names that are this package's own.
const variablePrefix = "CLOUDTASK_"

// unknownVariables returns an error for each variable of the environment that is named like one of the table's, is not
// empty, and is not in the table.
func unknownVariables(environ []string, table []variable) (errs []error) {
	var known []string
	for _, v := range table {
		known = append(known, v.names...)
	}
	var unknown, links []string
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, variablePrefix) || strings.TrimSpace(value) == "" {
			continue
		}
		// Kubernetes describes each service of a namespace in such variables: one that is named "cloudtask" is not meant.
		if service, found := strings.CutSuffix(name, "_SERVICE_HOST"); found {
			links = append(links, service+"_SERVICE_HOST", service+"_SERVICE_PORT", service+"_PORT")
		}
		if !slices.Contains(known, name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range slices.Compact(unknown) {
		if !slices.ContainsFunc(links, func(link string) bool { return name == link || strings.HasPrefix(name, link+"_") }) {
			errs = append(errs, fmt.Errorf("%s: there is no such variable; the nearest is %s", name, nearest(name, known)))
		}
	}
	return errs
}

// nearest returns the candidate that the fewest edits turn into name.
func nearest(name string, candidates []string) string {
	return slices.MinFunc(candidates, func(a, b string) int { return editDistance(name, a) - editDistance(name, b) })
}

// editDistance counts the bytes to insert, delete or replace in a to get b.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}

func parseText(s string) (string, error) { return s, nil }

func parseBool(s string) (bool, error) {
	value, err := strconv.ParseBool(s)
	if err != nil {
		return false, errors.New("want true or false (or 1, t, T, TRUE, True, 0, f, F, FALSE, False)")
	}
	return value, nil
}

func parseBytes(s string) (int64, error) {
	value, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, errors.New("want a whole number of bytes")
	}
	return value, nil
}

func parseCountOfFiles(s string) (int, error) {
	value, err := strconv.Atoi(s)
	if err != nil {
		return 0, errors.New("want a whole number of files")
	}
	return value, nil
}

func parseFloat(s string) (float64, error) {
	value, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, errors.New("want a number such as 1.5")
	}
	return value, nil
}

// parseDuration accepts Go's syntax and bare seconds, whole or with a fraction.
func parseDuration(s string) (time.Duration, error) {
	text := s
	if strings.Trim(s, "+-.0123456789") == "" {
		text += "s"
	}
	value, err := time.ParseDuration(text)
	if err != nil {
		return 0, errors.New("want a duration such as 90s or 1h30m, or a number of seconds such as 90 or 0.5, of at most 292 years")
	}
	return value, nil
}

// parseList splits at commas. A list without an element is empty, not nil: it replaces the default.
func parseList(s string) ([]string, error) {
	list := []string{}
	for element := range strings.SplitSeq(s, ",") {
		if element = strings.TrimSpace(element); element != "" {
			list = append(list, element)
		}
	}
	return list, nil
}

func parseCodes(s string) ([]Code, error) {
	names, _ := parseList(s)
	codes := make([]Code, 0, len(names))
	var errs []error
	for _, name := range names {
		code, err := ParseCode(name)
		if err != nil {
			errs = append(errs, err)
		}
		codes = append(codes, code)
	}
	return codes, errors.Join(errs...)
}
