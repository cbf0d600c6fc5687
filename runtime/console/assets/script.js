// Live updates, and actions without reloading the page. Everything else works without this script.
'use strict';

const $ = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
document.documentElement.classList.add('js');

// ---- Times, relative to the queue's clock, which stands still if it is virtual.

const loaded = Date.now();
const offset = Date.parse($('#now').dataset.now) - loaded;

function now() {
  const clock = $('#now');
  return 'virtual' in clock.dataset ? Date.parse(clock.dataset.now) : Date.now() + offset;
}

const units = [['d', 86400], ['h', 3600], ['min', 60], ['s', 1]];

// relative formats the distance of a time from now in its two largest units.
function relative(time) {
  const ms = time - now();
  const seconds = Math.round(Math.abs(ms) / 1000);
  if (seconds === 0) return 'now';
  let i = units.findIndex(([, size]) => seconds >= size);
  let text = Math.floor(seconds / units[i][1]) + ' ' + units[i][0];
  if (i + 1 < units.length) {
    const rest = Math.floor(seconds % units[i][1] / units[i + 1][1]);
    if (rest > 0) text += ' ' + rest + ' ' + units[i + 1][0];
  }
  return ms > 0 ? 'in ' + text : text + ' ago';
}

function updateTimes(root = document) {
  for (const element of all('time', root)) {
    const time = new Date(element.dateTime);
    const text = relative(time.getTime());
    if (element.textContent !== text) element.textContent = text;
    if (!element.title) element.title = time.toLocaleString(undefined, {dateStyle: 'medium', timeStyle: 'long'});
  }
}

// ---- Morphing: updating the document element by element, so that focus, selection and typed text are kept.

function morph(from, to) {
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
    return;
  }
  if (from.nodeName === 'TIME') {
    if (from.dateTime !== to.dateTime) {
      from.dateTime = to.dateTime;
      from.textContent = to.textContent;
      from.removeAttribute('title');
    }
    return;
  }
  if (from.isEqualNode(to)) return;
  for (const {name} of [...from.attributes]) {
    if (!to.hasAttribute(name) && !(name === 'open' && from.nodeName === 'DETAILS')) from.removeAttribute(name);
  }
  for (const {name, value} of to.attributes) {
    if (from.getAttribute(name) !== value && !(name === 'open' && from.nodeName === 'DETAILS')) from.setAttribute(name, value);
  }
  morphChildren(from, to);
}

function morphChildren(from, to) {
  const wanted = new Set([...to.children].map((child) => child.id).filter(Boolean));
  const byID = new Map([...from.children].filter((child) => wanted.has(child.id)).map((child) => [child.id, child]));
  const own = (node) => node.nodeType === Node.ELEMENT_NODE && 'own' in node.dataset; // added by this script
  let at = from.firstChild;
  const drop = () => {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  };
  for (const want of [...to.childNodes]) {
    while (at && (own(at) || at.id && !wanted.has(at.id))) {
      if (own(at)) at = at.nextSibling;
      else drop();
    }
    let have = want.id ? byID.get(want.id) : at && !at.id && at.nodeName === want.nodeName ? at : null;
    if (have && have.nodeName !== want.nodeName) have = null;
    if (!have) {
      from.insertBefore(document.importNode(want, true), at);
      continue;
    }
    if (have === at) at = at.nextSibling;
    else from.insertBefore(have, at);
    morph(have, want);
  }
  while (at) {
    if (own(at)) at = at.nextSibling;
    else drop();
  }
}

// update morphs an element, and restores the focus if the focused element was moved or replaced.
function update(element, to) {
  const focused = document.activeElement;
  const key = focused && (focused.id ? '#' + CSS.escape(focused.id) : focused.getAttribute('href') && `a[href="${CSS.escape(focused.getAttribute('href'))}"]`);
  morph(element, to);
  enhance(element);
  if (focused && focused !== document.activeElement && element.contains(focused)) focused.focus();
  else if (key && document.activeElement === document.body && focused !== document.body) $(key)?.focus();
}

// enhance adds what only works with a script.
function enhance(root) {
  updateTimes(root);
  for (const pre of all('pre.copy', root)) {
    if ($('.copier', pre)) continue;
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'button copier';
    button.textContent = 'Copy';
    button.dataset.own = '';
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText($('code', pre).textContent);
      button.textContent = 'Copied';
      setTimeout(() => { button.textContent = 'Copy'; }, 1500);
    });
    pre.append(button);
  }
}

// ---- Live: the server sends the parts of the page that have changed. A hidden page is disconnected, because browsers allow few
// connections to a server.

const live = {source: null, enabled: !('static' in document.body.dataset), held: null, hovered: false};

function connect() {
  disconnect();
  if (!live.enabled || document.hidden) return;
  live.source = new EventSource('/ui/live?view=' + encodeURIComponent(document.body.dataset.here));
  for (const part of ['top', 'live']) {
    live.source.addEventListener(part, (event) => receive(part, event.data));
  }
  live.source.addEventListener('gone', () => {
    disconnect();
    location.reload();
  });
  live.source.addEventListener('closed', disconnect);
  live.source.onopen = live.source.onerror = showLiveState;
  showLiveState();
}

function disconnect() {
  live.source?.close();
  live.source = null;
  showLiveState();
}

function receive(part, html) {
  if (part === 'live' && busyReading()) {
    live.held = html;
    showLiveState();
    return;
  }
  const parsed = new DOMParser().parseFromString(`<div id="${part}">${html}</div>`, 'text/html');
  update($('#' + part), parsed.body.firstChild);
}

// busyReading reports whether updates must wait: the user points at a list, or has selected a part of the page.
function busyReading() {
  const selection = getSelection();
  return live.hovered || !selection.isCollapsed && $('#live').contains(selection.anchorNode);
}

function release() {
  if (live.held === null || busyReading()) return;
  const html = live.held;
  live.held = null;
  receive('live', html);
  showLiveState();
}

function showLiveState() {
  const button = $('#live-toggle');
  const [state, word] = !live.enabled ? ['', 'Live off'] : live.held !== null ? ['held', 'Held'] :
    live.source && live.source.readyState === EventSource.OPEN ? ['on', 'Live'] : document.hidden ? ['', 'Live'] : ['off', 'Connecting'];
  button.className = state;
  button.setAttribute('aria-pressed', String(live.enabled));
  button.title = state === 'held' ? 'Updates wait while you point at the list' : 'Update this page live (l)';
  $('#live-word').textContent = word;
}

function toggleLive() {
  live.enabled = !live.enabled;
  live.held = null;
  connect();
}

document.addEventListener('pointerover', (event) => {
  if (event.pointerType === 'touch') return;
  live.hovered = Boolean(event.target.closest?.('[data-hold] tbody'));
  release();
});
document.addEventListener('pointerleave', () => {
  live.hovered = false;
  release();
});
document.addEventListener('selectionchange', release);
document.addEventListener('visibilitychange', connect);
setInterval(updateTimes, 1000);

// ---- Pages and forms without reloading.

// show updates the page from a response. It returns whether the browser leaves the page.
async function show(response) {
  const url = new URL(response.url);
  if (!response.headers.get('Content-Type')?.startsWith('text/html')) {
    showNote(await response.text(), true);
    return false;
  }
  if (response.redirected && url.pathname !== location.pathname) {
    location.assign(url);
    return true;
  }
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  live.held = null;
  document.title = page.title;
  for (const id of ['top', 'note', 'main']) update($('#' + id), $('#' + id, page));
  fadeNote();
  continueSearch();
  if (document.body.dataset.here !== page.body.dataset.here && response.ok) {
    document.body.dataset.here = page.body.dataset.here;
    history.replaceState(null, '', page.body.dataset.here);
    connect();
  }
  return false;
}

// showList replaces this list with another. It aborts the previous request, whose response could arrive last.
let listRequest, searching;

function showList(address) {
  clearTimeout(searching);
  listRequest?.abort();
  listRequest = new AbortController();
  load(fetch(address, {signal: listRequest.signal}));
}

// continueSearch continues a search that has found nothing so far.
function continueSearch() {
  clearTimeout(searching);
  const link = $('#live [data-further]');
  if (link && !document.hidden) searching = setTimeout(() => link.isConnected && showList(link.href), 50);
}

function showNote(text, failed) {
  const note = document.createElement('p');
  note.className = failed ? 'note failed' : 'note';
  note.textContent = text;
  $('#note').replaceChildren(note);
}

let fading;

function fadeNote() {
  clearTimeout(fading);
  const note = $('#note .note:not(.failed)');
  if (note) fading = setTimeout(() => note.remove(), 8000);
}

async function load(request) {
  try {
    return await show(await request);
  } catch (error) {
    if (error.name !== 'AbortError') showNote('No response from the queue: ' + error.message, true);
    return false;
  }
}

// sending holds the forms without a response yet. They are not sent again, however often they are submitted.
const sending = new Set();
addEventListener('pageshow', () => sending.clear());

async function send(form, body) {
  if (sending.has(form)) return;
  sending.add(form);
  if (!await load(fetch(form.getAttribute('action'), {method: 'POST', body}))) sending.delete(form);
}

document.addEventListener('submit', (event) => {
  const form = event.target;
  const method = form.getAttribute('method');
  if (method === 'dialog') return;
  event.preventDefault();
  const data = new URLSearchParams(new FormData(form, event.submitter));
  form.closest('dialog')?.close();
  if (method === 'get') {
    for (const [key, value] of [...data]) if (!value) data.delete(key);
    showList(location.pathname + (data.size ? '?' + data : ''));
    return;
  }
  send(form, data);
});

let typing;

document.addEventListener('input', (event) => {
  const form = event.target.closest('form[data-auto]');
  if (!form) return;
  clearTimeout(typing);
  typing = setTimeout(() => form.requestSubmit(), event.target.nodeName === 'SELECT' ? 0 : 250);
});

// ask shows the question of the page that a link leads to as a dialog.
async function ask(link) {
  const response = await fetch(link.href);
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  const dialog = $('#ask', page);
  if (!dialog) {
    location.assign(link.href);
    return;
  }
  $('#ask')?.remove();
  open(document.importNode(dialog, true));
}

function open(dialog) {
  dialog.removeAttribute('open');
  document.body.append(dialog);
  dialog.addEventListener('close', () => dialog.remove());
  dialog.showModal();
}

document.addEventListener('click', (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  const link = event.target.closest?.('a[data-ask]');
  const closer = event.target.closest?.('dialog [data-close]');
  if (link) {
    event.preventDefault();
    ask(link).catch((error) => showNote('No response from the queue: ' + error.message, true));
  } else if (closer) {
    event.preventDefault();
    closer.closest('dialog').close();
  } else if (event.target.closest?.('#live-toggle')) {
    toggleLive();
  }
});

// ---- Keyboard shortcuts.

const keysOn = $('#keys-on');
keysOn.checked = localStorage.getItem('cloudtask-keys') !== 'off';
keysOn.addEventListener('change', () => localStorage.setItem('cloudtask-keys', keysOn.checked ? 'on' : 'off'));

function step(by) {
  const links = all('[data-row]');
  const at = links.findIndex((link) => link.closest('tr').contains(document.activeElement));
  links[Math.min(links.length - 1, Math.max(0, at < 0 ? 0 : at + by))]?.focus();
}

const keys = {
  q: () => location.assign('/'),
  t: () => location.assign('/ui/tasks'),
  f: () => location.assign('/ui/finished'),
  n: () => $('#nav-send') && location.assign('/ui/send'),
  l: toggleLive,
  j: () => step(1),
  k: () => step(-1),
  r: () => (document.activeElement.closest('tr') ?? $('.toolbar'))?.querySelector('[data-run]')?.click(), // only the focused task, or that of the page
  '/': () => ($('#search') ? $('#search').select() : location.assign('/ui/tasks')),
};

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $('dialog[open]') || event.target.closest?.('input, textarea, select')) return;
  if (event.key === '?') {
    event.preventDefault();
    $('#keys').showModal();
  } else if (keysOn.checked && Object.hasOwn(keys, event.key)) {
    event.preventDefault();
    keys[event.key]();
  }
});

// ---- Start.

if (new URLSearchParams(location.search).has('note')) history.replaceState(null, '', document.body.dataset.here);
if ($('#ask')) {
  open($('#ask'));
  $('#ask').addEventListener('close', () => history.replaceState(null, '', document.body.dataset.here));
}
$('#live-state').hidden = 'static' in document.body.dataset;
enhance(document);
fadeNote();
connect();
continueSearch();
