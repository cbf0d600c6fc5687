package console

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"html/template"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// maxShown is how many bytes of a payload a page shows. The download has all of it.
const maxShown = 64 << 10

// payload is a task's body as a page shows it.
type payload struct {
	Kind string // JSON, text or binary
	HTML template.HTML
	Size int
	Cut  bool // HTML has only the start of the body
}

// showPayload formats the start of a body.
func showPayload(body []byte) payload {
	p := payload{Size: len(body)}
	switch {
	case len(body) == 0:
	case json.Valid(body):
		p.Kind = "JSON"
		text := string(body)
		if depth(body) <= maxIndented {
			var indented bytes.Buffer
			if err := json.Indent(&indented, body, "", "  "); err == nil { // always nil: the body is valid
				text = indented.String()
			}
		}
		shown := startOf(text, maxShown) // may be cut although the body is short: indentation makes it longer
		p.Cut, p.HTML = len(shown) < len(text), colourJSON(shown)
	case isText(body):
		p.Kind, p.Cut = "text", len(body) > maxShown
		p.HTML = template.HTML(html.EscapeString(visible(startOf(string(body), maxShown))))
	default:
		const shown = maxShown / 8 // a dump is several times as long as the bytes
		p.Kind, p.Cut = "binary", len(body) > shown
		p.HTML = template.HTML(html.EscapeString(hex.Dump(body[:min(len(body), shown)])))
	}
	return p
}

// maxIndented is the largest depth of JSON that is indented. Indentation grows with the square of the depth.
const maxIndented = 64

// depth returns the depth of valid JSON.
func depth(body []byte) (deepest int) {
	depth, inString := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}

// isText reports whether a body is UTF-8 without control characters other than white space.
func isText(body []byte) bool {
	return utf8.Valid(body) && !bytes.ContainsFunc(body, func(r rune) bool {
		return r < ' ' && r != '\n' && r != '\r' && r != '\t'
	})
}

// startOf returns the first n bytes of s, or up to three fewer so that no character is split.
func startOf(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for cut := n; cut > n-utf8.UTFMax; cut-- {
		if utf8.RuneStart(s[cut]) {
			return s[:cut]
		}
	}
	return s[:n] // not UTF-8 there
}

// visible returns s with escapes for invisible characters and those that reorder text.
func visible(s string) string {
	hidden := func(r rune) bool {
		return r == utf8.RuneError || r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029')
	}
	if !strings.ContainsFunc(s, hidden) {
		return s
	}
	var out strings.Builder
	for i, r := range s {
		switch {
		case !hidden(r):
			out.WriteRune(r)
		case r == '\r':
			out.WriteString(`\r`)
		case r == utf8.RuneError:
			_, size := utf8.DecodeRuneInString(s[i:])
			if size == 1 {
				fmt.Fprintf(&out, `\x%02x`, s[i])
			} else {
				out.WriteRune(r)
			}
		case r > 0xffff:
			fmt.Fprintf(&out, `\U%08x`, r)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.String()
}

// colourJSON returns JSON, or the start of it, with its tokens marked by class: k for keys, s for strings, n for numbers and literals.
func colourJSON(text string) template.HTML {
	var out strings.Builder
	mark := func(class, token string) {
		out.WriteString(`<span class="` + class + `">` + html.EscapeString(visible(token)) + `</span>`)
	}
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '"':
			end := i + 1
			for end < len(text) && text[end] != '"' {
				if text[end] == '\\' {
					end++
				}
				end++
			}
			end = min(end+1, len(text))
			class := "s"
			if end < len(text) && text[end] == ':' {
				class = "k"
			}
			mark(class, text[i:end])
			i = end
		case strings.IndexByte(" \n\t{}[],:", c) >= 0:
			out.WriteByte(c)
			i++
		default:
			end := i + 1
			for end < len(text) && strings.IndexByte(" \n\t{}[],:\"", text[end]) < 0 {
				end++
			}
			mark("n", text[i:end])
			i = end
		}
	}
	return template.HTML(out.String())
}

// payload serves a task's body as a download.
func (c *Console) payload(w http.ResponseWriter, r *http.Request, task string) {
	found, err := c.queue.Inspect(r.Context(), task)
	if err != nil {
		status, message := statusOf(err)
		http.Error(w, message, status)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": rules.Last(task) + ".payload"}))
	w.Header().Set("Content-Length", strconv.Itoa(len(bodyOf(found.Task))))
	_, _ = w.Write(bodyOf(found.Task)) // the browser is gone
}
