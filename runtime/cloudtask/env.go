package cloudtask

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// ConfigFromEnv reads a Config from the environment variables that its fields name. A variable that is empty counts as
// not set. Lists are comma-separated and replace the default; booleans are what [strconv.ParseBool] accepts; durations
// are in Go's syntax ("1h30m") or bare seconds ("90", "0.5"). Values that do not parse, or that neither client nor
// handler could work with, are all reported in one error with the variable's name, its value and what is allowed.
// Fields without a variable are left empty; their defaults are filled in by [NewClient] and [NewHandler].
func ConfigFromEnv() (Config, error) {
	e := environment{variables: map[string]string{}, failed: map[string]bool{}}
	cfg := Config{
		Project:           e.text("Project", "CLOUDTASK_PROJECT", "GOOGLE_CLOUD_PROJECT"),
		Location:          e.text("Location", "CLOUDTASK_LOCATION"),
		BaseURL:           e.text("BaseURL", "CLOUDTASK_BASE_URL"),
		PathPrefix:        e.text("PathPrefix", "CLOUDTASK_PATH_PREFIX"),
		AppName:           e.text("AppName", "CLOUDTASK_APP_NAME", "APP_NAME"),
		Queue:             e.text("Queue", "CLOUDTASK_QUEUE"),
		BackupQueue:       e.text("BackupQueue", "CLOUDTASK_BACKUP_QUEUE"),
		Eager:             parsed(&e, "Eager", "CLOUDTASK_EAGER", parseBool),
		MaxETA:            parsed(&e, "MaxETA", "CLOUDTASK_MAXIMUM_ETA", parseDuration),
		PropagatedHeaders: parsed(&e, "PropagatedHeaders", "CLOUDTASK_PROPAGATED_HEADERS", parseList),
		EnqueueRetry: RetryPolicy{
			On:         parsed(&e, "EnqueueRetry.On", "CLOUDTASK_ENQUEUE_RETRY_ON", parseCodes),
			Initial:    parsed(&e, "EnqueueRetry.Initial", "CLOUDTASK_ENQUEUE_RETRY_INITIAL", parseDuration),
			Max:        parsed(&e, "EnqueueRetry.Max", "CLOUDTASK_ENQUEUE_RETRY_MAX", parseDuration),
			Multiplier: parsed(&e, "EnqueueRetry.Multiplier", "CLOUDTASK_ENQUEUE_RETRY_MULTIPLIER", parseFloat),
			Deadline:   parsed(&e, "EnqueueRetry.Deadline", "CLOUDTASK_ENQUEUE_RETRY_DEADLINE", parseDuration),
		},
		CallTimeout:    parsed(&e, "CallTimeout", "CLOUDTASK_CALL_TIMEOUT", parseDuration),
		ServiceAccount: e.text("ServiceAccount", "CLOUDTASK_SERVICE_ACCOUNT"),
		Audiences:      parsed(&e, "Audiences", "CLOUDTASK_AUDIENCES", parseList),
		InsecureNoAuth: parsed(&e, "InsecureNoAuth", "CLOUDTASK_INSECURE_NO_AUTH", parseBool),
		EmulatorHost:   e.text("EmulatorHost", "CLOUD_TASKS_EMULATOR_HOST"),
		MaxBody:        parsed(&e, "MaxBody", "CLOUDTASK_MAX_BODY", parseBytes),
		SaveFailures: FailureFiles{
			Dir:           e.text("SaveFailures.Dir", "CLOUDTASK_SAVE_FAILURES_DIR"),
			MaxFiles:      parsed(&e, "SaveFailures.MaxFiles", "CLOUDTASK_SAVE_FAILURES_MAX_FILES", parseCountOfFiles),
			MaxBytes:      parsed(&e, "SaveFailures.MaxBytes", "CLOUDTASK_SAVE_FAILURES_MAX_BYTES", parseBytes),
			RedactHeaders: parsed(&e, "SaveFailures.RedactHeaders", "CLOUDTASK_SAVE_FAILURES_REDACT_HEADERS", parseList),
			RedactFields:  parsed(&e, "SaveFailures.RedactFields", "CLOUDTASK_SAVE_FAILURES_REDACT_FIELDS", parseList),
		},
	}
	for _, p := range cfg.problems() {
		if !e.failed[p.field] {
			e.errs = append(e.errs, p.describe(e.variables[p.field]))
		}
	}
	if len(e.errs) > 0 {
		return Config{}, fmt.Errorf("configuration from the environment: %w", errors.Join(e.errs...))
	}
	return cfg, nil
}

// environment reads variables and remembers which one each field of Config came from, for messages.
type environment struct {
	variables map[string]string
	failed    map[string]bool // fields whose variable did not parse
	errs      []error
}

// text returns the value of the first of the variables that is set.
func (e *environment) text(field string, variables ...string) string {
	e.variables[field] = variables[0] // to which a message points where none is set
	for _, name := range variables {
		if value := strings.TrimSpace(os.Getenv(name)); value != "" {
			e.variables[field] = name
			return value
		}
	}
	return ""
}

// parsed returns the value of the variable as parse reads it, and the zero value where it is not set.
func parsed[T any](e *environment, field, variable string, parse func(string) (T, error)) T {
	var zero T
	value := e.text(field, variable)
	if value == "" {
		return zero
	}
	result, err := parse(value)
	if err != nil {
		e.failed[field] = true
		e.errs = append(e.errs, fmt.Errorf("%s %q: %w", variable, value, err))
		return zero
	}
	return result
}

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
