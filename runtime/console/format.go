package console

import (
	"fmt"
	"html/template"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// funcs are the functions that templates can call.
var funcs = template.FuncMap{
	"asset":    func(name string) string { return assetPaths[name] },
	"bytes":    formatBytes,
	"chart":    chart,
	"count":    countOf,
	"due":      formatDue,
	"duration": formatDuration,
	"id":       rules.Last,
	"number":   formatNumber,
	"outcome":  func(k localqueue.EventKind) string { return outcomeLabels[k] },
	"path":     func(name string) string { return Prefix + name },
	"percent":  formatPercent,
	"location": projectLocation,
	"queueOf":  queueOf,
	"rate":     formatRate,
	"retries":  retryText,
	"rows":     rows,
	"status":   statusText,
	"text":     visible,
	"time":     formatTime,
}

// queueOf returns projects/P/locations/L/queues/Q of the name of a queue or task. It counts parts, because an ID may be "tasks".
func queueOf(name string) string {
	parts := strings.SplitN(name, "/", 7)
	return strings.Join(parts[:min(6, len(parts))], "/")
}

// projectLocation returns P/L of projects/P/locations/L/queues/Q.
func projectLocation(queue string) string {
	parts := strings.Split(queue, "/")
	if len(parts) < 4 {
		return queue
	}
	return parts[1] + "/" + parts[3]
}

// formatNumber returns 1234567 as 1,234,567.
func formatNumber(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// formatDue formats a number of due tasks, which is not counted beyond localqueue.MaxDue.
func formatDue(n int) string {
	if n >= localqueue.MaxDue {
		return formatNumber(localqueue.MaxDue) + "+"
	}
	return formatNumber(n)
}

func formatBytes(n int) string {
	switch {
	case n < 1000:
		return strconv.Itoa(n) + " B"
	case n < 1_000_000:
		return strconv.FormatFloat(float64(n)/1000, 'f', 1, 64) + " kB"
	}
	return strconv.FormatFloat(float64(n)/1_000_000, 'f', 1, 64) + " MB"
}

// formatPercent formats a share as a percentage, and 0 as "".
func formatPercent(share float64) string {
	if share == 0 {
		return ""
	}
	return strconv.FormatFloat(math.Round(share*1e6)/1e4, 'f', -1, 64)
}

// shortFailure returns the HTTP status of a failure such as "INTERNAL(13): HTTP status code 500".
func shortFailure(failure string) string {
	return failure[strings.LastIndexByte(failure, ' ')+1:]
}

// oneLine returns the start of a text on one line.
func oneLine(s string) string {
	return visible(strings.Join(strings.Fields(startOf(s, 160)), " "))
}

// formatRate formats a rate per second, minute or hour: the first of them for which it is at least 1.
func formatRate(perSecond float64) string {
	for _, unit := range []struct {
		name    string
		seconds float64
	}{{"s", 1}, {"min", 60}, {"h", 3600}} {
		if n := perSecond * unit.seconds; n >= 1 || unit.name == "h" {
			if n >= math.MaxInt32 {
				return "unlimited"
			}
			return strconv.FormatFloat(math.Round(n*100)/100, 'f', -1, 64) + "/" + unit.name
		}
	}
	return ""
}

// formatDuration formats a duration in its two largest units.
func formatDuration(d time.Duration) string {
	switch d = d.Abs(); {
	case d < time.Millisecond:
		return strconv.FormatInt(d.Microseconds(), 10) + " µs"
	case d < 10*time.Millisecond:
		return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', 1, 64) + " ms"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < 10*time.Second:
		return strings.TrimSuffix(strconv.FormatFloat(d.Seconds(), 'f', 1, 64), ".0") + " s"
	}
	d = d.Round(time.Second)
	units := []struct {
		name string
		of   time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"min", time.Minute}, {"s", time.Second}}
	for i, unit := range units {
		n := d / unit.of
		if n == 0 {
			continue
		}
		text := fmt.Sprintf("%d %s", n, unit.name)
		if i+1 < len(units) {
			if rest := d % unit.of / units[i+1].of; rest > 0 {
				text += fmt.Sprintf(" %d %s", rest, units[i+1].name)
			}
		}
		return text
	}
	return "0 s"
}

// formatTime returns a time element. The script makes its text relative to the queue's clock.
func formatTime(t time.Time) template.HTML {
	if t.IsZero() {
		return "–"
	}
	t = t.UTC()
	return template.HTML(`<time datetime="` + t.Format(time.RFC3339Nano) + `">` + t.Format("2006-01-02 15:04:05") + ` UTC</time>`)
}

// statusText returns an HTTP status code with its text.
func statusText(status int) string {
	if status == 0 {
		return "no response"
	}
	return strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))
}

// chart returns a stacked bar chart of done and failed attempts per minute.
func chart(minutes []localqueue.Minute, width, height int) template.HTML {
	var done, failed, peak int
	for _, m := range minutes {
		done, failed, peak = done+m.Done, failed+m.Failed, max(peak, m.Done+m.Failed)
	}
	label := fmt.Sprintf("Last hour: %s attempts done, %s failed, at most %s per minute", formatNumber(done), formatNumber(failed), formatNumber(peak))
	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg class="chart" viewBox="0 0 %d %d" width="%d" height="%d" preserveAspectRatio="none" role="img" aria-label="%s"><title>%s</title>`,
		width, height, width, height, label, label)
	var paths [2]strings.Builder
	step := float64(width) / float64(max(1, len(minutes)))
	scale := float64(height-1) / float64(max(1, peak))
	for i, m := range minutes {
		x, y := float64(i)*step, float64(height)
		for series, n := range []int{m.Done, m.Failed} {
			if n == 0 {
				continue
			}
			h := max(1.5, float64(n)*scale)
			y -= h
			fmt.Fprintf(&paths[series], "M%.1f %.1fh%.1fv%.1fh-%.1fz", x, y, step*0.72, h, step*0.72)
		}
	}
	fmt.Fprintf(&svg, `<path class="axis" d="M0 %.1fH%d"/>`, float64(height)-0.5, width)
	for series, class := range []string{"done", "failed"} {
		if paths[series].Len() > 0 {
			fmt.Fprintf(&svg, `<path class="%s" d="%s"/>`, class, paths[series].String())
		}
	}
	svg.WriteString(`</svg>`)
	return template.HTML(svg.String())
}
