package lock

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// fileAt returns a file's content at a git revision; nil when the revision does not have it.
func fileAt(ctx context.Context, revision, name string) ([]byte, error) {
	dir, base := filepath.Split(name)
	git := func(args ...string) ([]byte, error) {
		cmd := exec.CommandContext(ctx, "git", args...)
		cmd.Dir = dir
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil && stderr.Len() > 0 {
			err = errors.New(strings.TrimSpace(stderr.String()))
		}
		return out, err
	}
	out, err := git("rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}")
	if err != nil {
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			return nil, fmt.Errorf("-against %s: git knows no such revision here; a shallow clone has to fetch it first", revision)
		}
		return nil, fmt.Errorf("-against %s: %w", revision, err)
	}
	commit := strings.TrimSpace(string(out))
	if out, err = git("ls-tree", "--name-only", commit, "./"+base); err != nil {
		return nil, fmt.Errorf("-against %s: %w", revision, err)
	}
	if len(bytes.TrimSpace(out)) == 0 {
		return nil, nil
	}
	if out, err = git("show", commit+":./"+base); err != nil {
		return nil, fmt.Errorf("-against %s: %w", revision, err)
	}
	return out, nil
}
