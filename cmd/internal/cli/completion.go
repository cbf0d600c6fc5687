package cli

import (
	"context"
	"embed"
	"flag"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
)

// completionScripts holds one script per shell, with PROGRAM for the program's name. The scripts call "PROGRAM __complete WORD...",
// whose last word is the one being completed. It prints one candidate per line, followed by a tab and a description.
//
//go:embed completion
var completionScripts embed.FS

const (
	completeCommand = "__complete"
	completeTimeout = 2 * time.Second
)

const completionHelp = `
Prints a script that lets a shell complete commands, flags and arguments. To load it:

  bash   source <(PROGRAM completion bash)        in ~/.bashrc
  zsh    source <(PROGRAM completion zsh)         in ~/.zshrc, after compinit
  fish   PROGRAM completion fish | source         in ~/.config/fish/config.fish
`

func (p *Program) completionCommand() Command {
	return Command{
		Name:    "completion",
		Usage:   "bash|zsh|fish",
		Summary: "print a shell completion script",
		Help:    strings.ReplaceAll(completionHelp, "PROGRAM", p.Name),
		Args:    FixedWords("bash", "zsh", "fish"),
		Flags: func(*flag.FlagSet) Runner {
			return func(_ context.Context, args []string, std Streams) error {
				if err := WantArgs(args, 1, "shell"); err != nil {
					return err
				}
				script, err := completionScripts.ReadFile("completion/" + args[0])
				if err != nil {
					return BadUsage("no completion for %q: want bash, zsh or fish", args[0])
				}
				_, err = io.WriteString(std.Out, strings.ReplaceAll(string(script), "PROGRAM", p.Name))
				return err
			}
		},
	}
}

// Words returns completion candidates for a word of the command line. before holds the command's words that precede it, and typed
// what has been typed of it. On an error it returns fewer candidates, or none.
type Words func(ctx context.Context, before []string, typed string) []Suggestion

// Suggestion is a completion candidate with its description.
type Suggestion struct{ Word, About string }

// FixedWords returns Words that always suggests the words of list.
func FixedWords(list ...string) Words {
	all := make([]Suggestion, len(list))
	for i, word := range list {
		all[i].Word = word
	}
	return func(context.Context, []string, string) []Suggestion { return all }
}

// shellSafe matches words without characters that are special to a shell. Shells insert candidates unquoted, and some candidates
// are untrusted, such as the URL of a task: they could contain a command.
var shellSafe = regexp.MustCompile(`^[A-Za-z0-9@%+=:,./_-]+$`)

// complete prints the candidates for the last word of args. It prints nothing if they take longer than completeTimeout.
func (p *Program) complete(args []string, out io.Writer) {
	if len(args) == 0 {
		return
	}
	before, typed := args[:len(args)-1], args[len(args)-1]
	ctx, cancel := context.WithTimeout(context.Background(), completeTimeout)
	defer cancel()
	found := make(chan []Suggestion, 1)
	go func() { found <- p.suggestions(ctx, before, typed) }() // finding credentials does not always respect ctx
	select {
	case <-ctx.Done():
	case all := <-found:
		for _, s := range all {
			if strings.HasPrefix(s.Word, typed) && shellSafe.MatchString(s.Word) {
				fmt.Fprintf(out, "%s\t%s\n", s.Word, Printable(s.About))
			}
		}
	}
}

func (p *Program) suggestions(ctx context.Context, before []string, typed string) []Suggestion {
	isFlag := strings.HasPrefix(typed, "-") && typed != "-"
	first := len(before) == 0 && !isFlag
	if first || len(before) == 1 && before[0] == "help" {
		return p.names(first)
	}
	c := p.Default
	if len(before) > 0 {
		if named := p.command(before[0]); named != nil {
			c, before = named, before[1:]
		}
	}
	if c == nil {
		return nil
	}
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	c.Flags(flags)
	if isFlag && !slices.Contains(before, "--") {
		return flagWords(flags, strings.HasPrefix(typed, "--"))
	}
	from := c.Args
	if n := len(before); n > 0 && takesValue(flags, before[n-1]) {
		from, before = c.FlagValues[strings.TrimLeft(before[n-1], "-")], before[:n-1]
	}
	if from == nil {
		return nil
	}
	return from(ctx, before, typed)
}

// names suggests command names, along with help for the first word, or the help topics for the argument of help.
func (p *Program) names(first bool) []Suggestion {
	var all []Suggestion
	for _, c := range p.all() {
		all = append(all, Suggestion{c.Name, c.Summary})
	}
	if first {
		return append(all, Suggestion{"help", helpSummary})
	}
	for _, t := range p.Topics {
		all = append(all, Suggestion{t.Name, t.Summary})
	}
	return all
}

// takesValue reports whether word is a flag that takes its value from the next word.
func takesValue(flags *flag.FlagSet, word string) bool {
	if !strings.HasPrefix(word, "-") || strings.Contains(word, "=") {
		return false
	}
	f := flags.Lookup(strings.TrimLeft(word, "-"))
	if f == nil {
		return false
	}
	boolean, ok := f.Value.(interface{ IsBoolFlag() bool })
	return !ok || !boolean.IsBoolFlag()
}

func flagWords(flags *flag.FlagSet, doubled bool) []Suggestion {
	dash := "-"
	if doubled {
		dash = "--"
	}
	var all []Suggestion
	flags.VisitAll(func(f *flag.Flag) {
		_, about := flag.UnquoteUsage(f)
		all = append(all, Suggestion{dash + f.Name, about})
	})
	return all
}
