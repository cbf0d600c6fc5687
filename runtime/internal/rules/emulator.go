package rules

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// EmulatorVariable is the environment variable that has the address of an embedded queue, as Firebase's SDKs read it.
const EmulatorVariable = "CLOUD_TASKS_EMULATOR_HOST"

// CheckEmulator returns why a program must not use the embedded queue at the address, nil if it may. The address must be
// HOST:PORT, and the program must not run on Cloud Run, where its tasks would not reach Cloud Tasks.
func CheckEmulator(address string) error {
	const want = "want HOST:PORT without a scheme, such as 127.0.0.1:8123"
	host, port, err := net.SplitHostPort(address)
	var problem *net.AddrError
	switch {
	case errors.As(err, &problem):
		return fmt.Errorf("%s: %s", want, problem.Err)
	case err != nil:
		return fmt.Errorf("%s: %w", want, err)
	case host == "" || strings.ContainsAny(host, "/@ \t"):
		return fmt.Errorf("%s: %q is not a host", want, host)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("%s: %q is not a port from 1 to 65535", want, port)
	}
	if service := cloudRunService(); service != "" {
		return fmt.Errorf("K_SERVICE=%q says that this program runs on Cloud Run, where an embedded queue must not replace Cloud Tasks: unset "+
			""+EmulatorVariable, service)
	}
	return nil
}

// cloudRunService returns the name of the Cloud Run service that this program is, "" where it is none. Google's local
// emulator of Cloud Run (Cloud Code, "gcloud beta code dev") sets K_SERVICE too, and K_REVISION to "local"; the name of a
// deployed revision begins with its service's.
func cloudRunService() string {
	if os.Getenv("K_REVISION") == "local" {
		return ""
	}
	return os.Getenv("K_SERVICE")
}
