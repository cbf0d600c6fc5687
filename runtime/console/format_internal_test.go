package console

import (
	"strings"
	"testing"
	"time"
)

func TestFormats(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0 µs", 42 * time.Microsecond: "42 µs", 1500 * time.Microsecond: "1.5 ms", 120 * time.Millisecond: "120 ms", 2 * time.Second: "2 s", 2500 * time.Millisecond: "2.5 s",
		59600 * time.Millisecond: "1 min", 200 * time.Second: "3 min 20 s", 65 * time.Minute: "1 h 5 min", 24*time.Hour + time.Second: "1 d", 31 * 24 * time.Hour: "31 d",
	} {
		if got := formatDuration(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1234: "-1,234"} {
		if got := formatNumber(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
	for r, want := range map[float64]string{500: "500/s", 0.25: "15/min", 1.0 / 120: "30/h", 1e9: "1000000000/s", 1e300: "unlimited", 0.0001: "0.36/h"} {
		if got := formatRate(r); got != want {
			t.Errorf("%v is %q, want %q", r, got, want)
		}
	}
	for s, want := range map[string]string{
		"plain\n\ttext é": "plain\n\ttext é", "a\x00b": `a\u0000b`, "a\u202eb": `a\u202eb`, "\xff": `\xff`, "�": "�", "\r": `\r`, "\u2028": `\u2028`,
	} {
		if got := visible(s); got != want {
			t.Errorf("%q is %q, want %q", s, got, want)
		}
	}
	for name, want := range map[string]string{
		"projects/tasks/locations/queues/queues/tasks/tasks/projects": "projects/tasks/locations/queues/queues/tasks",
		"projects/p/locations/l/queues/q":                             "projects/p/locations/l/queues/q",
		"x":                                                           "x",
	} {
		if got := queueOf(name); got != want {
			t.Errorf("%q is a task of %q, want %q", name, got, want)
		}
	}
}

func TestPayloads(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ body, kind, want string }{
		{"", "", ""},
		{`{"a":[1,"\u003c",true]}`, "JSON", "{\n  <span class=\"k\">&#34;a&#34;</span>: [\n    <span class=\"n\">1</span>,\n" +
			"    <span class=\"s\">&#34;\\u003c&#34;</span>,\n    <span class=\"n\">true</span>\n  ]\n}"},
		{`"` + `\"<b>` + `"`, "JSON", `<span class="s">&#34;\&#34;&lt;b&gt;&#34;</span>`},
		{"<b>\n", "text", "&lt;b&gt;\n"},
		{"\x00A", "binary", "00000000  00 41                                             |.A|\n"},
	} {
		got := showPayload([]byte(test.body))
		if got.Kind != test.kind || string(got.HTML) != test.want || got.Cut {
			t.Errorf("%q is %s (cut: %v):\n%s\nwant all of %s:\n%s", test.body, got.Kind, got.Cut, got.HTML, test.kind, test.want)
		}
	}
	for name, body := range map[string]string{
		"wide":    `[0` + strings.Repeat(",0", 20_000) + "]", // longer when it is indented
		"invalid": `["` + strings.Repeat("\x80", 400_000) + `"]`,
		"large":   `["` + strings.Repeat("é", 400_000) + `"]`,
		"text":    strings.Repeat("é", 400_000),
		"bytes":   strings.Repeat("\x00", 1_000_000),
	} {
		if got := showPayload([]byte(body)); len(got.HTML) < maxShown/2 || len(got.HTML) > 20*maxShown || got.Size != len(body) || !got.Cut {
			t.Errorf("%s: %d bytes are shown as %d, cut: %v", name, len(body), len(got.HTML), got.Cut)
		}
	}
	if got := showPayload([]byte(strings.Repeat("[", 9000) + strings.Repeat("]", 9000))); len(got.HTML) != 18_000 || got.Cut {
		t.Errorf("deep JSON is shown as %d bytes, cut: %v; want it as it is", len(got.HTML), got.Cut)
	}
}
