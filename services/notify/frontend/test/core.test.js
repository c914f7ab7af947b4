// Owns the tests of what is pure in the core: folding, parsing, reading of schemas and histories; run by `node --test`.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createApi } from "../src/core/api.js";
import { createCredentials } from "../src/core/credentials.js";
import { backoffMs } from "../src/core/repeat.js";
import { NOTHING, accept, dismiss, fold, inOrder, refresh, replaced, restore } from "../src/core/state.js";
import { createParser } from "../src/core/stream.js";
import { createUuid7 } from "../src/core/uuid7.js";
import { createWords } from "../src/core/words.js";
import { toTask } from "../src/core/tasks.js";
import { readHistory } from "../src/details/history.js";
import { fieldsOf, read, refusal } from "../src/page/schema.js";

/** @param {Record<string, unknown>} data */
const row = (data) => ({ id: "c", name: "task_progress", data: { task_id: "1", title: "T", status: "running", attempt: 1, ...data }, timestamp: 0 });
/** @param {any[]} notifications */
const answer = (notifications, gap = false) => ({ notifications, cursor: "c", gap, next_poll_ms: 0 });

test("a bar never goes back within an attempt, and starts anew with the next", () => {
  let state = fold(NOTHING, answer([row({ progress: 60 })]));
  state = fold(state, answer([row({ progress: 40 })]));
  assert.equal(state.tasks.get("1")?.progress, 60);
  state = fold(state, answer([row({ progress: 5, attempt: 2 })]));
  assert.equal(state.tasks.get("1")?.progress, 5);
});

test("100 is for success alone, whatever was sent", () => {
  assert.equal(toTask({ id: "1", status: "running", progress: 100 }).progress, 99.9);
  assert.equal(toTask({ id: "1", status: "succeeded", progress: 3 }).progress, 100);
  assert.equal(toTask({ id: "1", status: "queued", progress: "x" }).progress, 0);
});

test("after a gap what did not come again goes, but not before all has come", () => {
  let state = fold(NOTHING, answer([row({}), row({ task_id: "2" })]));
  state = fold(state, answer([]));
  state = fold(state, answer([row({ task_id: "2" })], true));
  assert.equal(state.tasks.size, 2);
  assert.equal(state.complete, false);
  state = fold(state, answer([]));
  assert.deepEqual([...state.tasks.keys()], ["2"]);
  assert.equal(replaced(state).cursor, null);
});

test("what was put away never comes back, unless that was refused", () => {
  let state = fold(NOTHING, answer([row({})]));
  const before = /** @type {any} */ (state.tasks.get("1"));
  state = dismiss(state, "1");
  state = fold(state, answer([row({ progress: 80 })]));
  assert.equal(state.tasks.size, 0);
  assert.equal(restore(state, before).tasks.size, 1);
});

test("a place in the queue is of the revision that is shown, or of none", () => {
  const state = fold(NOTHING, answer([row({ status: "queued", revision: "a" })]));
  assert.equal(refresh(state, { id: "1", revision: "b", queue_position: 3 }), state);
  assert.equal(refresh(state, { id: "1", revision: "a", queue_position: 3 }).tasks.get("1")?.queue_position, 3);
});

test("what was just accepted stands on top until it is told of", () => {
  let state = fold(NOTHING, answer([row({ created_at: "2026-01-01T00:00:00.000Z" })]));
  state = accept(state, { id: "9", type: "t", title: "New", status: "queued" });
  assert.deepEqual(inOrder(state).map(({ id }) => id), ["9", "1"]);
});

test("events are read however the stream is cut", () => {
  const text = "id: a\nevent: task_progress\ndata: {\"n\":\ndata: 1}\n\n: nothing new\n\nid: b\r\nevent: gap\r\ndata: {}\r\n\r\n";
  const expected = [{ id: "a", event: "task_progress", data: '{"n":\n1}' }, { id: "b", event: "gap", data: "{}" }];
  for (let size = 1; size <= text.length; size += 1) {
    const parse = createParser();
    const got = [];
    for (let at = 0; at < text.length; at += size) got.push(...parse(text.slice(at, at + size)));
    assert.deepEqual(got, expected, `pieces of ${size}`);
  }
});

test("ids are UUIDv7 and only rise, also when the clock steps back", () => {
  const times = [1_700_000_000_000, 1_700_000_000_000, 1_600_000_000_000];
  const next = createUuid7(() => times.shift() ?? 0);
  const ids = [next(), next(), next()];
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.deepEqual([...ids].sort(), ids);
  assert.equal(parseInt(ids[0].replace("-", "").slice(0, 12), 16), 1_700_000_000_000);
});

test("back-off grows, is jittered, and ends below 5 s", () => {
  assert.ok(backoffMs(1, () => 0) >= 200);
  assert.ok(backoffMs(50, () => 1) <= 4_000);
  assert.notEqual(backoffMs(3, () => 0), backoffMs(3, () => 1));
});

test("words choose between one and many, and Korean needs no English", () => {
  const words = createWords("en");
  assert.equal(words.say("ahead", { n: 1 }), "1 task ahead in the queue");
  assert.equal(words.say("ahead", { n: 1200 }), "1,200 tasks ahead in the queue");
  assert.deepEqual(words.facts(toTask({ id: "1", status: "queued", queue_position: 0 }), 0), ["next in the queue"]);
  assert.equal(words.error(toTask({ id: "1", status: "failed", error: { code: "fail", message: "No paper", reference: "ab" } })), "No paper (reference ab)");
});

test("a history is curves, turns and lines", () => {
  const at = (/** @type {number} */ s) => new Date(s * 1000).toISOString();
  const event = (/** @type {string} */ type, /** @type {number} */ s, data = {}, attempt = 1) => ({ id: "x", type: `task.${type}`, attempt, at: at(s), data });
  const history = readHistory([
    event("created", 0, {}, 0), event("started", 1), event("progressed", 2, { progress: 40 }), event("logged", 3, { text: "hm" }),
    event("returned", 4), event("started", 5, {}, 2), event("progressed", 6, { progress: 70 }, 2), event("succeeded", 7, {}, 2),
  ]);
  assert.deepEqual(history.curves.map(({ points }) => points.map(([ms, percent]) => [ms / 1000, percent])), [[[1, 0], [2, 40], [4, 40]], [[5, 0], [6, 70], [7, 100]]]);
  assert.equal(history.lines.length, 1);
  assert.equal(history.turns.length, 5);
});

test("a schema is fields, and what was typed is params", () => {
  const schema = {
    required: ["n", "names"],
    properties: {
      n: { type: "integer", minimum: 1 }, names: { type: "array", items: { type: "string" } }, at: { anyOf: [{ type: "string", format: "date" }, { type: "null" }] },
      box: { $ref: "#/$defs/Box" }, kind: { enum: ["a", 2] }, free: { type: "object" }, to: { type: "array", items: { type: "string", format: "email" } },
    },
    $defs: { Box: { type: "object", properties: { width: { type: "number" } } } },
  };
  const fields = Object.fromEntries(fieldsOf(schema).map((field) => [field.name, field]));
  assert.deepEqual(Object.values(fields).map(({ kind }) => kind), ["integer", "list", "text", "group", "choice", "json", "addresses"]);
  assert.equal(fields.at.input, "date");
  assert.deepEqual(fields.box.fields[0].path, ["box", "width"]);
  assert.deepEqual(read(fields.n, "12", "N"), { value: 12 });
  assert.equal(read(fields.n, "1.5", "N").problem?.key, "noWhole");
  assert.equal(read(fields.n, "0", "N").problem?.key, "tooSmall");
  assert.equal(read(fields.n, "", "N").problem?.key, "missing");
  assert.deepEqual(read(fields.names, " a b \n\nc\n", "Names"), { value: ["a b", "c"] });
  assert.deepEqual(read(fields.kind, "1", "Kind"), { value: 2 });
  assert.deepEqual(read(fields.free, '{"a": 1}', "Free"), { value: { a: 1 } });
  assert.equal(read(fields.free, "{", "Free").problem?.key, "noJson");
  assert.deepEqual(read(fields.to, "a@x.test;b@x.test", "To"), { value: ["a@x.test", "b@x.test"] });
  assert.deepEqual(read(fields.at, "", "At"), {});
});

test("what a validator refuses is said as a person would", () => {
  assert.deepEqual(refusal('"a" is longer than 500 characters', "Subject", "a"), { key: "tooLong", values: { name: "Subject", s: "a", n: 500 } });
  assert.equal(refusal("something else", "Subject", ""), null);
});

/** A server that knows one token, and a host that gives those of `tokens`, one after another. @param {any[]} tokens @param {string} good */
function host(tokens, good) {
  const seen = { asked: 0, headers: /** @type {string[]} */ ([]), now: 1_700_000_000_000 };
  const clock = { now: () => seen.now, note() {} };
  const credentials = createCredentials(() => tokens[seen.asked++], clock.now);
  const fetch = async (/** @type {any} */ url, /** @type {any} */ { headers }) => {
    assert.ok(!url.includes("."), "a token is in the address");
    seen.headers.push(headers.Authorization);
    return new Response("{}", { status: headers.Authorization.trim() === `Bearer ${good}` ? 200 : 401 });
  };
  return { seen, api: createApi({ fetch, clock, credentials }) };
}
const jwt = (/** @type {number} */ exp) => `a.${btoa(JSON.stringify({ exp }))}.c`;

test("a token is kept while it is good, and asked for again before it ends", async () => {
  const [first, second] = [jwt(1_700_000_900), jwt(1_700_001_800)];
  const { seen, api } = host([first, second], first);
  await api("GET", "/x");
  await api("GET", "/x");
  assert.equal(seen.asked, 1);
  seen.now += 896_000;
  await assert.rejects(api("GET", "/x"), { status: 401 });
  assert.equal(seen.headers[2], `Bearer ${second}`);
});

test("a token that is refused before its time is asked for once more, and not on and on", async () => {
  const [early, late] = [jwt(1_700_000_900), jwt(1_700_000_901)];
  const once = host([early, late], late);
  await once.api("GET", "/x");
  assert.deepEqual(once.seen.headers, [early, late].map((token) => `Bearer ${token}`));
  const never = host([early, early, early], late);
  await assert.rejects(never.api("GET", "/x"), { status: 401 });
  assert.equal(never.seen.asked, 2);
});

test("who gives no token is signed out, and nobody is asked with none", async () => {
  const { seen, api } = host([null, null], "");
  await assert.rejects(api("GET", "/x"), { status: 401 });
  assert.deepEqual(seen.headers, []);
});

test("a page that the host answers with is no token, and is not kept for one", async () => {
  const good = jwt(1_700_000_900);
  const { seen, api } = host(["<!doctype html>\n<title>502 Bad Gateway</title>", `${good}\n`], good);
  await assert.rejects(api("GET", "/x"), { status: 0 });
  await api("GET", "/x");
  assert.deepEqual([seen.asked, seen.headers.length], [2, 1]);
});
