// What keeps the page up to date, and makes it answer without being loaded anew. Everything but that works without it.
'use strict';

const $ = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
document.documentElement.classList.add('js');

// ---- Times, relative to the queue's clock, which stands still when it is virtual.

const loaded = Date.now();
const offset = Date.parse($('#now').dataset.now) - loaded;

function now() {
  const clock = $('#now');
  return 'virtual' in clock.dataset ? Date.parse(clock.dataset.now) : Date.now() + offset;
}

const units = [['d', 86400], ['h', 3600], ['min', 60], ['s', 1]];

// relative returns a time in the two largest units of its distance.
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

function tellTimes(root = document) {
  for (const element of all('time', root)) {
    const time = new Date(element.dateTime);
    const text = relative(time.getTime());
    if (element.textContent !== text) element.textContent = text;
    if (!element.title) element.title = time.toLocaleString(undefined, {dateStyle: 'medium', timeStyle: 'long'});
  }
}

// ---- Changing what is there into what is to be, element by element, so that focus, selection and what has been typed
// stay where they are.

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
  const own = (node) => node.nodeType === Node.ELEMENT_NODE && 'own' in node.dataset; // this script has put it there
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

// update changes an element of the page, and gives the focus back if that has moved the element which had it.
function update(element, to) {
  const focused = document.activeElement;
  const key = focused && (focused.id ? '#' + CSS.escape(focused.id) : focused.getAttribute('href') && `a[href="${CSS.escape(focused.getAttribute('href'))}"]`);
  morph(element, to);
  dress(element);
  if (focused && focused !== document.activeElement && element.contains(focused)) focused.focus();
  else if (key && document.activeElement === document.body && focused !== document.body) $(key)?.focus();
}

// dress adds what only a script can make work.
function dress(root) {
  tellTimes(root);
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

// ---- Live: the server sends the parts of the page that have changed. Nothing is connected while nobody can see it, for
// a browser has few connections to a server.

const live = {source: null, wanted: !('still' in document.body.dataset), held: null, pointed: false};

function connect() {
  disconnect();
  if (!live.wanted || document.hidden) return;
  live.source = new EventSource('/ui/live?view=' + encodeURIComponent(document.body.dataset.here));
  for (const part of ['top', 'live']) {
    live.source.addEventListener(part, (event) => receive(part, event.data));
  }
  live.source.addEventListener('gone', () => {
    disconnect();
    location.reload();
  });
  live.source.addEventListener('closed', disconnect);
  live.source.onopen = live.source.onerror = tellLive;
  tellLive();
}

function disconnect() {
  live.source?.close();
  live.source = null;
  tellLive();
}

function receive(part, html) {
  if (part === 'live' && busyReading()) {
    live.held = html;
    tellLive();
    return;
  }
  const parsed = new DOMParser().parseFromString(`<div id="${part}">${html}</div>`, 'text/html');
  update($('#' + part), parsed.body.firstChild);
}

// busyReading reports whether a list must not move: somebody points at it, or has selected a part of it.
function busyReading() {
  const selection = getSelection();
  return live.pointed || !selection.isCollapsed && $('#live').contains(selection.anchorNode);
}

function release() {
  if (live.held === null || busyReading()) return;
  const html = live.held;
  live.held = null;
  receive('live', html);
  tellLive();
}

function tellLive() {
  const button = $('#live-toggle');
  const [state, word] = !live.wanted ? ['', 'Not live'] : live.held !== null ? ['held', 'Held'] :
    live.source && live.source.readyState === EventSource.OPEN ? ['on', 'Live'] : document.hidden ? ['', 'Live'] : ['off', 'Connecting'];
  button.className = state;
  button.setAttribute('aria-pressed', String(live.wanted));
  button.title = state === 'held' ? 'The list waits while you point at it' : 'Keep this page up to date (l)';
  $('#live-word').textContent = word;
}

function toggleLive() {
  live.wanted = !live.wanted;
  live.held = null;
  connect();
}

document.addEventListener('pointerover', (event) => {
  if (event.pointerType === 'touch') return;
  live.pointed = Boolean(event.target.closest?.('[data-hold] tbody'));
  release();
});
document.addEventListener('pointerleave', () => {
  live.pointed = false;
  release();
});
document.addEventListener('selectionchange', release);
document.addEventListener('visibilitychange', connect);
setInterval(tellTimes, 1000);

// ---- Pages and forms without loading anew.

// show makes the page what the server has answered, and returns whether it leaves this one.
async function show(response) {
  const url = new URL(response.url);
  if (!response.headers.get('Content-Type')?.startsWith('text/html')) {
    say(await response.text(), true);
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
  searchOn();
  if (document.body.dataset.here !== page.body.dataset.here && response.ok) {
    document.body.dataset.here = page.body.dataset.here;
    history.replaceState(null, '', page.body.dataset.here);
    connect();
  }
  return false;
}

// look shows another list in place of this one. What was asked for before is not waited for: its answer could come last.
let looking, searching;

function look(address) {
  clearTimeout(searching);
  looking?.abort();
  looking = new AbortController();
  load(fetch(address, {signal: looking.signal}));
}

// searchOn goes on with a search that has found nothing so far.
function searchOn() {
  clearTimeout(searching);
  const link = $('#live [data-further]');
  if (link && !document.hidden) searching = setTimeout(() => link.isConnected && look(link.href), 50);
}

function say(text, failed) {
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
    if (error.name !== 'AbortError') say('The queue does not answer: ' + error.message, true);
    return false;
  }
}

// sending are the forms that have not been answered: what they ask for is done once, however often they are clicked.
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
    look(location.pathname + (data.size ? '?' + data : ''));
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

// A question is a dialog of the page that its link leads to.
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
    ask(link).catch((error) => say('The queue does not answer: ' + error.message, true));
  } else if (closer) {
    event.preventDefault();
    closer.closest('dialog').close();
  } else if (event.target.closest?.('#live-toggle')) {
    toggleLive();
  }
});

// ---- Keys.

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
  r: () => (document.activeElement.closest('tr') ?? $('.toolbar'))?.querySelector('[data-run]')?.click(), // none but the one meant
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

// ---- At the beginning.

if (new URLSearchParams(location.search).has('note')) history.replaceState(null, '', document.body.dataset.here);
if ($('#ask')) {
  open($('#ask'));
  $('#ask').addEventListener('close', () => history.replaceState(null, '', document.body.dataset.here));
}
$('#live-state').hidden = 'still' in document.body.dataset;
dress(document);
fadeNote();
connect();
searchOn();
