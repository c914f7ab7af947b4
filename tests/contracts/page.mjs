// The page's own code against the services at the address given: what a person does in it, once each.

import { register } from "node:module";
import assert from "node:assert/strict";

const [url, core, frontend, DONE, WAITING, STOPPED] = process.argv.slice(2);
// What the page imports as "milepost" is the module that is served.
const loader = `export const resolve = (name, context, next) => name === "milepost" ? { url: ${JSON.stringify(core)}, shortCircuit: true } : next(name, context);`;
register(`data:text/javascript,${encodeURIComponent(loader)}`);
const { ApiError, createClient } = await import("milepost");
const { createSession } = await import(`${frontend}/src/page/session.js`);

const client = createClient({ url });
const session = createSession(client.request);
const account = { username: "ann", password: "correct horse battery" };
await session.signUp(account);
assert.deepEqual(await session.signIn(account), { username: "ann", owner: "local:ann" });
assert.equal((await session.current()).owner, "local:ann");

/** @param {(snapshot: any) => unknown} condition */
const seen = (condition) =>
  new Promise((resolve) => {
    const look = () => condition(client.getSnapshot()) && resolve(undefined);
    client.subscribe(look);
    look();
  });
const status = (/** @type {any} */ { tasks }, /** @type {string} */ id) => tasks.find((/** @type {any} */ task) => task.id === id)?.status;
await seen((now) => now.complete && status(now, DONE) === "succeeded" && now.unread === 1);
await seen((now) => status(now, STOPPED) === "cancelled"); // by a long poll, as there is no stream here
await client.markRead();
assert.equal((await client.get(DONE)).progress, 100);

const made = await client.submit({ type: "demo.steps", params: { steps: 1, seconds: 0 }, title: "Steps", tags: ["t"] });
assert.equal(made.status, "queued");
await client.cancel(WAITING);
assert.notEqual((await client.retry(STOPPED)).id, STOPPED);
await client.dismiss(DONE);
await assert.rejects(client.submit({ type: "no.such", params: {} }), (error) => error instanceof ApiError && error.status === 404 && error.problem.type === "urn:milepost:unknown-type");

// What forms and shelves ask, which need a document and so do not run here; test_page.py knows every path of theirs.
const types = await client.request("GET", "/api/submit/task-types");
assert.ok(types.find((/** @type {any} */ { name }) => name === "demo.steps").params_schema.properties);
const closed = await client.request("GET", "/api/notify/tasks", { query: { status: "dismissed", limit: 30, before: null } });
assert.equal(closed.tasks[0].dismissed, true);
const told = await client.request("GET", `/api/notify/tasks/${DONE}/events`, { query: { after: null, limit: 1000 } });
assert.equal(told.events.at(-1).type, "task.succeeded");
assert.ok((await client.request("GET", `/api/notify/tasks/${WAITING}/explain`)).words);
const { sessions } = await client.request("GET", "/api/submit/sessions");
assert.equal(sessions[0].current, true);
await client.request("PUT", "/api/submit/password", { body: { current: account.password, new: "another horse battery" } });
await client.request("DELETE", `/api/submit/sessions/${sessions[0].id}`);
await client.request("DELETE", "/api/submit/sessions");
client.close();
await session.signOut();
