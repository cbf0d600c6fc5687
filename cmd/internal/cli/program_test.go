package cli_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
)

var errNoSuch = errors.New("no such thing")

// shop returns a program with one command and, optionally, a default command.
func shop(withDefault bool) *cli.Program {
	buy := cli.Command{
		Name: "buy", Usage: "THING... [-many]", Summary: "buy things", Help: "Buys things.",
		Args:       cli.FixedWords("apple", "pear", "rm -rf"),
		FlagValues: map[string]cli.Words{"as": cli.FixedWords("gift")},
		Flags: func(flags *flag.FlagSet) cli.Runner {
			many := flags.Bool("many", false, "more than one")
			as := flags.String("as", "", "what `for`")
			secret := flags.Bool("secret", false, "")
			return func(_ context.Context, args []string, std cli.Streams) error {
				switch {
				case *secret:
					return cli.BadUsage("-secret is gone")
				case len(args) == 1 && args[0] == "nothing":
					return fmt.Errorf("nothing: %w", errNoSuch)
				case len(args) == 1 && args[0] == "quietly":
					return cli.Exit(7)
				}
				_, err := fmt.Fprintln(std.Out, strings.Join(args, "+"), *many, *as)
				return err
			}
		},
	}
	p := &cli.Program{
		Name: "shop", Summary: "shop sells things.", Commands: []cli.Command{buy},
		Topics: []cli.Topic{{Name: "hours", Summary: "tell the hours", Write: func(w io.Writer) error {
			_, err := fmt.Fprintln(w, "nine to five")
			return err
		}}},
		ExitCode: func(err error) int {
			if errors.Is(err, errNoSuch) {
				return 3
			}
			return cli.ExitFailed
		},
	}
	if withDefault {
		look := buy
		look.Name, look.Usage = "", "[THING...]"
		p.Default = &look
	}
	return p
}

func TestRun(t *testing.T) {
	for _, test := range []struct {
		args        string
		withDefault bool
		code        int
		out, err    string // what each contains; "": it is empty
	}{
		{"buy apple -many pear", false, 0, "apple+pear true \n", ""},
		{"buy -as=gift -- apple -many", false, 0, "apple+-many false gift\n", ""},
		{"buy -h", false, 0, "usage: shop buy THING... [-many]\n\nBuys things.\n\nFlags:\n\n  -as for\n    \twhat for\n  -many\n    \tmore than one\n", ""},
		{"help buy", false, 0, "usage: shop buy THING...", ""},
		{"help hours", false, 0, "nine to five\n", ""},
		{"help nosuch", false, 2, "", "shop: unknown command \"nosuch\"\nRun \"shop help\" for usage.\n"},
		{"help buy apple", false, 2, "", "unexpected argument \"apple\""},
		{"help", false, 0, "shop sells things.\n\nusage: shop COMMAND [flags]\n\nCommands:\n\n  buy         buy things\n", ""},
		{"--help", true, 0, "usage: shop [THING...]\n       shop COMMAND [flags]\n", ""},
		{"", false, 2, "", "usage: shop COMMAND"},
		{"", true, 0, " false \n", ""},
		{"sell", false, 2, "", "shop: unknown command \"sell\"\nRun \"shop help\" for usage.\n"},
		{"sell", true, 0, "sell false \n", ""},
		{"buy -secret", false, 2, "", "shop buy: -secret is gone\nRun \"shop help buy\" for usage.\n"},
		{"-secret", true, 2, "", "shop: -secret is gone\nRun \"shop help\" for usage.\n"},
		{"buy -nosuch", false, 2, "", "shop buy: flag provided but not defined: -nosuch\n"},
		{"buy nothing", false, 3, "", "shop buy: nothing: no such thing\n"},
		{"buy quietly", false, 7, "", ""},
		{"version", false, 0, "shop ", ""},
		{"version x", false, 2, "", "unexpected argument \"x\""},
		{"completion tcsh", false, 2, "", "want bash, zsh or fish"},
		{"completion bash", false, 0, "_shop", ""},
		{"completion", false, 2, "", "missing argument: shell"},
		{"__complete b", false, 0, "buy\tbuy things\n", ""},
		{"__complete help ho", false, 0, "hours\ttell the hours\n", ""},
		{"__complete buy p", false, 0, "pear\t\n", ""},
		{"__complete buy r", false, 0, "", ""}, // words that a shell would split or expand are never suggested
		{"__complete buy -m", false, 0, "-many\tmore than one\n", ""},
		{"__complete buy --m", false, 0, "--many\tmore than one\n", ""},
		{"__complete buy -as g", false, 0, "gift\t\n", ""},
		{"__complete buy -many p", false, 0, "pear\t\n", ""},
		{"__complete -m", true, 0, "-many\tmore than one\n", ""},
		{"__complete -many p", true, 0, "pear\t\n", ""},
		{"__complete", false, 0, "", ""},
	} {
		var out, errs bytes.Buffer
		code := shop(test.withDefault).Run(t.Context(), strings.Fields(test.args), cli.Streams{Out: &out, Err: &errs})
		if code != test.code {
			t.Errorf("%s: exit code %d, want %d", test.args, code, test.code)
		}
		for name, texts := range map[string][2]string{"output": {out.String(), test.out}, "error": {errs.String(), test.err}} {
			if got, want := texts[0], texts[1]; !strings.Contains(got, want) || want == "" && got != "" {
				t.Errorf("%s: standard %s:\n%s\nwant %q in it", test.args, name, got, want)
			}
		}
	}
}

// An unanswered prompt ends with the context.
func TestAskInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	in, _ := io.Pipe()
	cancel()
	if _, err := (cli.Streams{In: in, Err: io.Discard}).Ask(ctx, "? "); !errors.Is(err, cli.ErrInterrupted) {
		t.Error(err)
	}
	answer, err := (cli.Streams{In: strings.NewReader(" yes \nno\n"), Err: io.Discard}).Ask(t.Context(), "? ")
	if answer != "yes" || err != nil {
		t.Errorf("%q, %v", answer, err)
	}
}
