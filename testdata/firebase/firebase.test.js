// Firebase's SDK for Node.js against cloudtask dev, whose binary CLOUDTASK names: functions are enqueued and deleted as a
// program does it, and a server in the place of the functions emulator takes them.
'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const http = require('node:http');
const readline = require('node:readline');
const { after, before, describe, it } = require('node:test');

// The environment must not decide which account the SDK takes.
for (const name of ['GOOGLE_APPLICATION_CREDENTIALS', 'EXT_INSTANCE_ID', 'FIREBASE_KIT_INSTANCE_ID']) delete process.env[name];
process.env.METADATA_SERVER_DETECTION = 'none';

const project = 'demo-project', location = 'us-central1';

// functions is a server in the place of the functions emulator. It keeps what it receives.
class Functions {
  received = [];
  #waiting = [];

  async start() {
    this.server = http.createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      response.end();
      this.received.push({ url: request.url, headers: request.headers, body: JSON.parse(body) });
      this.#waiting.splice(0).forEach((wake) => wake());
    });
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${this.server.address().port}`;
  }

  // next returns the next request for a path.
  async next(path) {
    for (;;) {
      const i = this.received.findIndex((request) => request.url === path);
      if (i >= 0) return this.received.splice(i, 1)[0];
      await new Promise((resolve) => this.#waiting.push(resolve));
    }
  }

  stop() { this.server.close(); }
}

// dev starts cloudtask dev and returns it with its HOST:PORT.
async function dev(...args) {
  const child = spawn(process.env.CLOUDTASK, ['dev', '-listen', '127.0.0.1:0', '-strict', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of readline.createInterface({ input: child.stdout })) {
    const ready = line.match(/^ready (.+)$/);
    if (ready) return { child, host: ready[1] };
  }
  throw new Error('cloudtask dev has ended');
}

for (const major of ['13', '14']) {
  describe(`firebase-admin ${require('./package.json').dependencies[`firebase-admin-${major}`].split('@')[1]}`, { timeout: 60_000 }, () => {
    const functions = new Functions();
    let queue, admin, app, base;

    before(async () => {
      base = await functions.start();
      queue = await dev('-queue', 'sendEmail', '-queue', 'resize', '-default-url', `${base}/{project}/{location}/{queue}`, '-default-url', `resize=${base}/images?fast=yes`);
      process.env.CLOUD_TASKS_EMULATOR_HOST = queue.host;
      app = require(`firebase-admin-${major}/app`).initializeApp({ projectId: project }, major);
      admin = require(`firebase-admin-${major}/functions`).getFunctions(app);
    });
    after(async () => {
      delete process.env.CLOUD_TASKS_EMULATOR_HOST;
      queue?.child.kill();
      functions.stop();
      await require(`firebase-admin-${major}/app`).deleteApp(app);
    });

    // rest calls the API, as an operator would to see what is there.
    const rest = async (path) => {
      const response = await fetch(`http://${queue.host}/v2/projects/${project}/locations/${location}/queues/${path}`);
      return { status: response.status, body: await response.json() };
    };

    it('enqueues to the default URL', async () => {
      await admin.taskQueue('sendEmail').enqueue({ to: 'Ann', text: 'grüß dich' }, { id: 'greet-1', headers: { 'X-Tenant': '7' } });
      const { headers, body } = await functions.next(`/${project}/${location}/sendEmail`);
      assert.deepEqual(body, { data: { to: 'Ann', text: 'grüß dich' } });
      assert.equal(headers['content-type'], 'application/json');
      assert.equal(headers['x-tenant'], '7');
      assert.equal(headers['x-cloudtasks-queuename'], 'sendEmail');
      assert.equal(headers['x-cloudtasks-taskname'], 'greet-1');
      assert.equal(headers['x-cloudtasks-taskretrycount'], '0');
      const claims = JSON.parse(Buffer.from(headers.authorization.split('.')[1], 'base64url'));
      assert.equal(claims.email, 'emulated-service-acct@email.com');
      assert.equal(claims.aud, `${base}/${project}/${location}/sendEmail`);
    });

    it('enqueues to the default URL of a queue', async () => {
      await admin.taskQueue(`locations/${location}/functions/resize`).enqueue({ file: 'a.png' });
      assert.deepEqual((await functions.next('/images?fast=yes')).body, { data: { file: 'a.png' } });
    });

    it('enqueues to a URL of its own', async () => {
      await admin.taskQueue('sendEmail').enqueue({}, { uri: `${base}/own` });
      assert.deepEqual((await functions.next('/own')).body, { data: {} });
    });

    it('enqueues for later, and deletes', async () => {
      const begun = Date.now();
      await admin.taskQueue('sendEmail').enqueue({ to: 'Bob' }, { id: 'later', scheduleDelaySeconds: 3600, dispatchDeadlineSeconds: 120 });
      const { status, body } = await rest('sendEmail/tasks/later');
      assert.equal(status, 200);
      assert.equal(body.dispatchDeadline, '120s');
      assert.ok(Math.abs(Date.parse(body.scheduleTime) - begun - 3_600_000) < 60_000, body.scheduleTime);
      await admin.taskQueue('sendEmail').delete('later');
      assert.equal((await rest('sendEmail/tasks/later')).status, 404);
      assert.equal((await rest('sendEmail/tasks')).body.tasks, undefined);
    });

    it('learns of a duplicate', async () => {
      await admin.taskQueue('sendEmail').enqueue({}, { id: 'once', scheduleTime: new Date(Date.now() + 3_600_000) });
      await assert.rejects(admin.taskQueue('sendEmail').enqueue({}, { id: 'once' }), { code: 'functions/task-already-exists' });
    });

    it('learns that a queue does not exist', async () => {
      await assert.rejects(admin.taskQueue('absent').enqueue({}), { code: 'functions/not-found', message: /Queue does not exist/ });
    });
  });
}
