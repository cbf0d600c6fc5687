package browser

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// furnish fills a queue on a virtual clock with what a shop might have, forty minutes after it opened.
func furnish(t *testing.T, s *served) {
	t.Helper()
	for _, q := range []resource.Queue{
		{Name: place + "/queues/billing", RateLimits: resource.RateLimits{MaxDispatchesPerSecond: 5, MaxConcurrentDispatches: 20},
			Retry: cloudtask.RetryConfig{MaxAttempts: 12, MinBackoff: 10 * time.Second, MaxBackoff: 10 * time.Minute, MaxDoublings: 5}},
		{Name: place + "/queues/imports", RateLimits: resource.RateLimits{MaxDispatchesPerSecond: 50}, Retry: cloudtask.RetryConfig{MaxAttempts: 3}},
		{Name: place + "/queues/reports"},
	} {
		if _, err := s.CreateQueue(t.Context(), place, &q); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.PauseQueue(t.Context(), place+"/queues/reports"); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	add := func(queue, kind string, in time.Duration, payload map[string]any) {
		body, err := json.Marshal(payload)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.CreateTask(t.Context(), place+"/queues/"+queue, &resource.Task{
			ScheduleTime: s.Now().Add(in), HTTP: &resource.HTTPRequest{
				URL: "http://localhost:8080/tasks/" + kind, Body: body, OIDC: &resource.OIDCToken{ServiceAccount: "tasks@demo.iam.gserviceaccount.com"},
				Header: map[string]string{"Content-Type": "application/json", "Traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
			},
		}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 1400 {
		add("emails", "SendWelcomeEmail", time.Duration(random.IntN(7200))*time.Second, map[string]any{"user_id": 1000 + i, "custom_message": "Glad to have you here!"})
	}
	for i := range 90 {
		add("billing", "ChargeCard", time.Duration(random.IntN(2500))*time.Second, map[string]any{
			"order": fmt.Sprintf("A-%05d", 20417+i), "amount": map[string]any{"cents": 1999 + 100*i, "currency": "EUR"}, "capture": true, "coupon": nil,
		})
	}
	for i := range 40 {
		add("imports", "ImportContacts", time.Duration(random.IntN(2400))*time.Second, map[string]any{"file": fmt.Sprintf("contacts-%d.csv", i+1)})
	}
	for i := range 4 {
		add("reports", "MonthlyReport", 0, map[string]any{"month": fmt.Sprintf("2026-%02d", i+1)})
	}
	if _, err := s.RunFor(t.Context(), 40*time.Minute); err != nil {
		t.Fatal(err)
	}
}

// views are the pages by the names of their pictures.
func views(t *testing.T, s *served) map[string]string {
	t.Helper()
	failing, err := s.Browse(t.Context(), localqueue.Browse{Queue: place + "/queues/billing", State: localqueue.TaskRetrying})
	if err != nil || len(failing.Tasks) == 0 {
		t.Fatalf("no task of billing is failing: %v", err)
	}
	task := failing.Tasks[0]
	for _, other := range failing.Tasks {
		if max(other.Attempts-3, 3-other.Attempts) < max(task.Attempts-3, 3-task.Attempts) { // some attempts, not too many to be seen at once
			task = other
		}
	}
	return map[string]string{
		"queues": "/", "queue": "/ui/" + place + "/queues/billing", "tasks": "/ui/tasks", "task": "/ui/" + task.Name,
		"finished": "/ui/finished", "send": "/ui/send?from=" + task.Name, "purge": "/?ask=purge:" + queueName,
	}
}

// Every page fits its window, can be read in dark and light, and tells what everything in it is.
func TestLook(t *testing.T) {
	t.Parallel()
	s := serve(t, false)
	s.moods = true
	furnish(t, s)
	all := views(t, s)
	all["empty"] = "/ui/tasks?text=nothing"
	all["failure"] = "/ui/nothing"
	w := s.open(t, "/")
	for name, path := range all {
		w.visit(path)
		w.until("document.readyState === 'complete'")
		eval[any](w, "document.querySelectorAll('details').forEach((e) => { e.open = true }), null")
		for _, as := range []struct {
			width  int
			scheme string
		}{{1280, "light"}, {1280, "dark"}, {768, "light"}, {360, "dark"}} {
			w.dress(as.width, as.scheme)
			for _, fault := range eval[[]string](w, audit) {
				t.Errorf("%s at %d, %s: %s", name, as.width, as.scheme, fault)
			}
		}
	}
}

// audit returns what is wrong with the page: what is wider than the window, text whose contrast with its background is
// below that of WCAG's level AA, controls and pictures without a name, fields without a label, ids that stand twice.
const audit = `(() => {
	const faults = [];
	const width = document.documentElement.clientWidth;
	if (document.documentElement.scrollWidth > width) {
		const wide = [...document.querySelectorAll('main *, header *')].find((e) => e.getBoundingClientRect().right > width + 1);
		faults.push('wider than its window: ' + (wide ? wide.outerHTML.slice(0, 120) : ''));
	}
	const context = Object.assign(document.createElement('canvas'), {width: 1, height: 1}).getContext('2d', {willReadFrequently: true});
	const paint = (colours) => {
		context.clearRect(0, 0, 1, 1);
		for (const colour of colours) { context.fillStyle = colour; context.fillRect(0, 0, 1, 1); }
		return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
	};
	const luminance = (rgb) => rgb.map((c) => (c /= 255) <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4).reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
	const seen = new Set();
	for (let walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), node; (node = walker.nextNode());) {
		const e = node.parentElement;
		if (!node.nodeValue.trim() || !e.checkVisibility({opacityProperty: true, visibilityProperty: true}) || e.closest('svg, option, :disabled, .sr, .skip')) continue;
		if (document.querySelector('dialog:modal') && !e.closest('dialog')) continue;
		const backgrounds = [];
		for (let at = e; at; at = at.parentElement) backgrounds.unshift(getComputedStyle(at).backgroundColor);
		const back = luminance(paint(['white', ...backgrounds])), fore = luminance(paint(['white', ...backgrounds, getComputedStyle(e).color]));
		const contrast = (Math.max(back, fore) + .05) / (Math.min(back, fore) + .05);
		const key = e.className + e.nodeName + contrast.toFixed(2);
		if (contrast < 4.5 && !seen.has(key)) faults.push('contrast ' + contrast.toFixed(2) + ' of ' + JSON.stringify(node.nodeValue.trim().slice(0, 40)));
		seen.add(key);
	}
	for (const e of document.querySelectorAll('button, a, input:not([type=hidden]), select, textarea, summary, [role=img], dialog')) {
		const name = e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || (e.labels && e.labels.length && e.labels[0].textContent) || e.textContent;
		if (!name.trim()) faults.push('without a name: ' + e.outerHTML.slice(0, 120));
	}
	for (const table of document.querySelectorAll('table')) if (!table.caption) faults.push('a table without a caption');
	if (document.querySelectorAll('h1').length !== 1) faults.push(document.querySelectorAll('h1').length + ' headings of the first level');
	if (document.querySelectorAll('main, header, nav[aria-label]').length < 3 || !document.documentElement.lang) faults.push('landmarks are missing');
	const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
	for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push('the id ' + id + ' stands twice');
	return faults;
})()`

// An empty page says what to do next, and doing it fills it.
func TestEmptyStates(t *testing.T) {
	t.Parallel()
	s := serve(t, true)
	w := s.open(t, "/ui/tasks")
	w.waits("No tasks are waiting")
	w.waits("export CLOUD_TASKS_EMULATOR_HOST=" + strings.TrimPrefix(s.url, "http://"))
	w.waits("tasks.EnqueueSendWelcomeEmailAsap(ctx, client, tasks.SendWelcomeEmail{UserID: 7})")
	commands := eval[[]string](w, `[...document.querySelectorAll('pre.copy code')].map((e) => e.textContent)`)
	w.runs(commands[len(commands)-1])
	w.eventually("the command's task is delivered", func() bool {
		return len(s.handled()) == 1 && s.handled()[0] == `/tasks/SendWelcomeEmail {"user_id": 7}`
	})
	w.visit("/ui/finished")
	w.waits("SendWelcomeEmail")
	w.visit("/ui/finished?state=expired")
	w.waits("No matching tasks")
	w.visit("/ui/tasks?text=x")
	w.waits("No matching tasks")
}

// TestScreenshots takes the pictures of the manual, which -screenshots writes.
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("without -screenshots")
	}
	s := serve(t, false)
	s.moods = true
	furnish(t, s)
	w := s.open(t, "/")
	for name, path := range views(t, s) {
		for _, scheme := range []string{"light", "dark"} {
			w.dress(1280, scheme)
			w.visit(path)
			w.shoot(name + "-" + scheme)
			if name == "queues" || name == "task" {
				w.dress(390, scheme)
				w.visit(path)
				w.shoot(name + "-phone-" + scheme)
			}
		}
	}
	empty := serve(t, true)
	w = empty.open(t, "/")
	for _, scheme := range []string{"light", "dark"} {
		w.dress(1280, scheme)
		w.visit("/ui/tasks")
		w.shoot("empty-" + scheme)
	}
}

// shoot writes a picture of the window.
func (w *window) shoot(name string) {
	w.Helper()
	w.connected()
	w.do(chromedp.MouseEvent("mouseMoved", 1, 1))
	shot, err := chromedp.Run(w.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		w.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		w.Fatal(err)
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, picture); err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*screenshots, name+".png"), out.Bytes(), 0o644); err != nil {
		w.Fatal(err)
	}
}
