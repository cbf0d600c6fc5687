package emulator

import (
	"fmt"
	"strings"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// predicate is a part of a filter that has been read.
type predicate func(protoreflect.Message) bool

// newQueueFilter reads a filter of ListQueues in the syntax of Google's AIP-160: comparisons of fields ("state: PAUSED",
// "rate_limits.max_dispatches_per_second >= 5"), AND, OR (which binds tighter), NOT and - before one, and parentheses.
// Comparisons without a word between them must all hold.
func newQueueFilter(text string) (localqueue.QueueFilter, error) {
	if strings.TrimSpace(text) == "" {
		return localqueue.QueueFilter{}, nil
	}
	tokens, err := filterTokens(text)
	if err != nil {
		return localqueue.QueueFilter{}, filterError(err)
	}
	p := &filterParser{tokens: tokens, message: (*cloudtaskspb.Queue)(nil).ProtoReflect().Descriptor()}
	match, err := p.all(0)
	if err == nil && len(p.tokens) > 0 {
		err = fmt.Errorf("unexpected %q", p.tokens[0].text)
	}
	if err != nil {
		return localqueue.QueueFilter{}, filterError(err)
	}
	return localqueue.QueueFilter{Text: text, Match: func(q *resource.Queue) bool { return match(queueToProto(q).ProtoReflect()) }}, nil
}

func filterError(err error) error {
	return status.Error(codes.InvalidArgument, bounded(fmt.Sprintf("Invalid filter: %v. Want such as: state: PAUSED AND "+
		"rate_limits.max_dispatches_per_second >= 5", err)))
}

// filterToken is a word, a quoted string, an operator or a parenthesis.
type filterToken struct {
	text   string
	quoted bool
}

const filterOperators = "<=>!:"

// filterTokens splits a filter. A "-" that begins a word before a comparison is for the parser to see.
func filterTokens(text string) ([]filterToken, error) {
	var tokens []filterToken
	for {
		text = strings.TrimLeft(text, " \t\r\n")
		if text == "" {
			return tokens, nil
		}
		n := 1
		switch c := text[0]; {
		case c == '"' || c == '\'':
			value, length, err := quotedString(text)
			if err != nil {
				return nil, err
			}
			tokens = append(tokens, filterToken{value, true})
			text = text[length:]
			continue
		case c == '(' || c == ')':
		case strings.IndexByte(filterOperators, c) >= 0:
			if len(text) > 1 && text[1] == '=' && c != ':' && c != '=' {
				n = 2
			}
		default:
			if n = strings.IndexAny(text, " \t\r\n\"'()"+filterOperators); n < 0 {
				n = len(text)
			}
		}
		tokens = append(tokens, filterToken{text: text[:n]})
		text = text[n:]
	}
}

// quotedString reads the quoted string that text begins with; a backslash stands before a quote or another backslash.
func quotedString(text string) (value string, length int, err error) {
	var out strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == text[0]:
			return out.String(), i + 1, nil
		case text[i] == '\\' && i+1 < len(text):
			i++
		}
		out.WriteByte(text[i])
	}
	return "", 0, fmt.Errorf("a quote is not closed: %s", text)
}

type filterParser struct {
	tokens  []filterToken // to come
	message protoreflect.MessageDescriptor
}

const maxFilterDepth = 50

// next returns the next token if it is not quoted.
func (p *filterParser) next() string {
	if len(p.tokens) == 0 || p.tokens[0].quoted {
		return ""
	}
	return p.tokens[0].text
}

func (p *filterParser) take() filterToken {
	token := p.tokens[0]
	p.tokens = p.tokens[1:]
	return token
}

// all reads what must all hold.
func (p *filterParser) all(depth int) (predicate, error) {
	if depth > maxFilterDepth {
		return nil, fmt.Errorf("more than %d levels", maxFilterDepth)
	}
	var parts []predicate
	for {
		part, err := p.any(depth)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
		switch p.next() {
		case "AND":
			p.take()
		case ")":
			return every(parts), nil
		default:
			if len(p.tokens) == 0 {
				return every(parts), nil
			}
		}
	}
}

// any reads alternatives.
func (p *filterParser) any(depth int) (predicate, error) {
	var parts []predicate
	for {
		part, err := p.term(depth)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
		if p.next() != "OR" {
			return some(parts), nil
		}
		p.take()
	}
}

// term reads a comparison or a filter in parentheses, either of which may be negated.
func (p *filterParser) term(depth int) (predicate, error) {
	negated := false
	switch next := p.next(); {
	case next == "NOT" || next == "-":
		p.take()
		negated = true
	case strings.HasPrefix(next, "-"):
		p.tokens[0].text = next[1:]
		negated = true
	}
	inner, err := p.operand(depth)
	if err != nil || !negated {
		return inner, err
	}
	return func(m protoreflect.Message) bool { return !inner(m) }, nil
}

func (p *filterParser) operand(depth int) (predicate, error) {
	if p.next() != "(" {
		return p.comparison()
	}
	p.take()
	inner, err := p.all(depth + 1)
	if err != nil {
		return nil, err
	}
	if p.next() != ")" {
		return nil, fmt.Errorf("a ) is missing")
	}
	p.take()
	return inner, nil
}

// comparison reads a field, an operator and a value.
func (p *filterParser) comparison() (predicate, error) {
	if len(p.tokens) == 0 {
		return nil, fmt.Errorf("it ends where a comparison is expected")
	}
	if p.tokens[0].quoted || len(p.tokens) < 3 || strings.IndexByte(filterOperators, p.tokens[1].text[0]) < 0 || p.tokens[1].quoted {
		return nil, fmt.Errorf("%q is not followed by one of <= < >= > != = : and a value", p.tokens[0].text)
	}
	field, operator, value := p.take().text, p.take().text, p.take()
	if !value.quoted && strings.ContainsAny(value.text, "()"+filterOperators) {
		return nil, fmt.Errorf("%q stands where the value of %s is expected", value.text, field)
	}
	// What an operator's character splits, such as a time of day, belongs to the value.
	for !value.quoted && len(p.tokens) > 1 && p.next() == ":" && !p.tokens[1].quoted {
		value.text += p.take().text + p.take().text
	}
	return newComparison(p.message, field, operator, value)
}

func every(parts []predicate) predicate {
	return func(m protoreflect.Message) bool {
		for _, part := range parts {
			if !part(m) {
				return false
			}
		}
		return true
	}
}

func some(parts []predicate) predicate {
	return func(m protoreflect.Message) bool {
		for _, part := range parts {
			if part(m) {
				return true
			}
		}
		return false
	}
}
