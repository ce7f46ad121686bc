// Runs one Osiris function: `node node.cjs file.function`, or without a name, to be told it later; with the hub at
// descriptors 3 and 4.
//
// The hub sends calls as HTTP/1.1 over descriptor 3 and reads answers from descriptor 4, one at a time. First comes a
// line of JSON that says whether the handler could be imported. docs/hub.md has the rules of parameters and answers.
"use strict";
const { existsSync, readSync, writeSync } = require("node:fs");
const http = require("node:http");
const { Socket } = require("node:net");
const { resolve } = require("node:path");
const { Duplex, PassThrough, Transform } = require("node:stream");
const { once } = require("node:events");
const { pathToFileURL } = require("node:url");

const mostBody = 8 * 1048576;
// The hub sets and strips these; a function has no say in them.
const framing = new Set(["connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"]);
const limits = { EMFILE: "openFiles", EFBIG: "disk", ENOSPC: "disk", EDQUOT: "disk", EAGAIN: "processes" };

/** An answer with a status and headers; the body is anything that a handler may return. */
class Response {
  constructor(body, { status = 200, headers = {} } = {}) {
    Object.assign(this, { body, status, headers });
  }
}

/** The request cannot be given to the handler. */
class Refused extends Error {
  constructor(status, code, message) {
    super(message);
    Object.assign(this, { status, code });
  }
}

const describe = (error) => ({
  type: error?.name ?? typeof error,
  message: String(error?.message || error),
  limit: limits[error?.code],
});

const isStream = (body) =>
  typeof body === "object" && body !== null && (Symbol.asyncIterator in body || typeof body.next === "function");

/** The body of a request as a stream that fails where the caller went away before its end. */
function whole(request) {
  const body = new Transform({
    transform: (piece, _, done) => done(null, piece),
    flush: (done) =>
      done("osiris-aborted" in request.trailers ? new Error("The caller went away before the whole body was there.") : null),
  });
  return request.pipe(body);
}

/** The input of a handler that does not read the body itself. */
async function input(request, query) {
  const tooLong = () => new Refused(413, "request_too_large", `The request's body is longer than ${mostBody} bytes.`);
  if (Number(request.headers["content-length"] ?? 0) > mostBody) throw tooLong();
  const pieces = [];
  let size = 0;
  for await (const piece of whole(request)) {
    size += piece.length;
    if (size > mostBody) throw tooLong();
    pieces.push(piece);
  }
  const data = Buffer.concat(pieces);
  const entries = Object.entries(query);
  if (!size && entries.length) return Object.fromEntries(entries.map(([name, all]) => [name, all.length > 1 ? all : all[0]]));
  const kind = (request.headers["content-type"] ?? "application/json").split(";")[0].trim().toLowerCase();
  if (size && kind.startsWith("text/")) return data.toString("utf8");
  // The second is what `curl -d` says of everything.
  const isJSON = ["application/json", "application/x-www-form-urlencoded"].includes(kind) || kind.endsWith("+json");
  if (size && !isJSON) return data;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
    return text.trim() ? JSON.parse(text) : {};
  } catch {
    throw new Refused(400, "bad_request", "The body is not a JSON document in UTF-8.");
  }
}

const isOurs = (name) => name.startsWith("osiris-") || name === "transfer-encoding";

/** What a handler may know of its call. */
function contextOf(request) {
  const [path, ...rest] = request.url.split("?");
  const queryString = rest.join("?");
  const query = {};
  for (const [name, value] of new URLSearchParams(queryString)) (query[name] ??= []).push(value);
  const headers = { ...request.headers };
  const version = Number(headers["osiris-version"]);
  // The length of a body that comes in chunks has another name on its way here.
  if (headers["osiris-content-length"]) headers["content-length"] = headers["osiris-content-length"];
  for (const name of Object.keys(headers)) if (isOurs(name)) delete headers[name];
  request.headers = headers;
  const rawHeaders = [];
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i].replace(/^osiris-(content-length)$/i, "$1");
    if (!isOurs(name.toLowerCase())) rawHeaders.push(name, request.rawHeaders[i + 1]);
  }
  const deadline = Number(headers["x-deadline"]) / 1000;
  return {
    callId: headers["x-call-id"],
    deadline,
    remaining: () => Math.max(0, deadline - Date.now() / 1000),
    method: request.method,
    target: request.url,
    path,
    queryString,
    query,
    headers,
    rawHeaders,
    traceparent: headers["traceparent"],
    function: process.env.OSIRIS_FUNCTION,
    namespace: process.env.OSIRIS_NAMESPACE,
    version,
    Response,
  };
}

/** The bytes of a body, or of one item of a stream where there is no response, and their type. */
function encode(item, response) {
  if (item instanceof Uint8Array) return [item, "application/octet-stream"];
  const kind = Object.entries(response?.headers ?? {}).find(([name]) => name.toLowerCase() === "content-type")?.[1];
  if (typeof item === "string" && (!response || (kind && !String(kind).includes("json")))) {
    return [Buffer.from(item), "text/plain; charset=utf-8"];
  }
  const text = JSON.stringify(item) ?? "null";
  return response ? [Buffer.from(text), "application/json"] : [Buffer.from(text + "\n"), "application/x-ndjson"];
}

/** One answer on its way. */
class Answer {
  constructor(request, response, id) {
    Object.assign(this, { request, response, id, begun: false });
    response.sendDate = false;
  }

  head({ status, headers }, kind, length) {
    if (!Number.isInteger(status) || status < 200 || status > 599) {
      throw new RangeError(`${status} is not a status that a function may send`);
    }
    for (const [name, value] of Object.entries(headers)) {
      if (/^osiris-/i.test(name)) throw new TypeError(`${name} is not a header that a function may send`);
      if (!framing.has(name.toLowerCase())) this.response.setHeader(name, value);
    }
    if (kind && !this.response.hasHeader("content-type")) this.response.setHeader("Content-Type", kind);
    if (length !== undefined && status !== 204) this.response.setHeader("Content-Length", length);
    this.begun = true;
    this.response.writeHead(status);
  }

  async send(result) {
    const response = result instanceof Response ? result : new Response(result);
    if (!isStream(response.body)) {
      const empty = result instanceof Response && response.body == null;
      const [data, kind] = empty ? [Buffer.alloc(0)] : encode(response.body, response);
      this.head(response, kind, data.length);
      return this.end(data);
    }
    for await (const item of response.body) {
      const [data, kind] = encode(item);
      if (!this.begun) this.head(response, kind);
      if (data.length && !this.response.write(data)) await once(this.response, "drain");
    }
    if (!this.begun) this.head(response, "application/octet-stream");
    this.end();
  }

  fail(status, code, error) {
    if (this.begun) {
      // What went out cannot be taken back; the hub must not take it for the whole.
      this.response.addTrailers({ "Osiris-Error": code });
      return this.end();
    }
    for (const name of this.response.getHeaderNames()) this.response.removeHeader(name);
    const data = Buffer.from(JSON.stringify(error));
    this.response.setHeader("Osiris-Error", code);
    this.head({ status, headers: {} }, "application/json", data.length);
    this.end(data);
  }

  end(data) {
    process.stderr.write(`\x1eosiris end ${this.id}\n`);
    this.response.end(data);
  }
}

async function call(handler, request, response) {
  const context = contextOf(request);
  const answer = new Answer(request, response, context.callId);
  process.stderr.write(`\x1eosiris call ${context.callId}\n`);
  try {
    const value = handler.stream ? whole(request) : await input(request, context.query);
    const values = Array.isArray(value) ? value : [value];
    await answer.send(await handler(...values, context));
  } catch (error) {
    if (error instanceof Refused) return answer.fail(error.status, error.code, describe(error));
    console.error(error);
    answer.fail(500, "function_error", describe(error));
  } finally {
    // What the handler did not read must not be in the way of the next call.
    request.unpipe();
    request.resume();
  }
}

async function load(name) {
  const parts = name.split(".");
  const key = parts.pop();
  const base = resolve(...parts);
  const file = [".js", ".mjs", ".cjs"].map((end) => base + end).find((path) => existsSync(path));
  if (!file) throw new Error(`there is no ${parts.join("/")}.js, .mjs or .cjs`);
  const module = await import(pathToFileURL(file));
  const handler = module[key] ?? module.default?.[key];
  if (typeof handler !== "function") throw new TypeError(`${name} is not a function`);
  return handler;
}

function serve(handler, connection) {
  const options = { maxHeaderSize: 1048576, requireHostHeader: false, requestTimeout: 0, keepAliveTimeout: 0 };
  const server = http.createServer(options, (request, response) => call(handler, request, response));
  Object.assign(server, { headersTimeout: 0, timeout: 0, maxHeadersCount: 0 });
  server.emit("connection", connection);
}

/** Answers a call of nobody: what node loads and compiles for the first one is there when a function's comes. */
async function rehearse() {
  const [readable, writable] = [new PassThrough(), new PassThrough()];
  serve(() => null, Duplex.from({ readable, writable }));
  readable.write("POST / HTTP/1.1\r\nContent-Length: 2\r\nX-Call-Id: none\r\n\r\n{}");
  await once(writable, "data");
  readable.end();
  await import("data:text/javascript,");
}

/** Waits for the function, in an interpreter that was started before there was one for it. */
function take() {
  writeSync(4, '{"warm":true}\n');
  let line = Buffer.alloc(0);
  // The hub says nothing more before the handshake.
  while (line.at(-1) !== 0x0a) {
    const piece = Buffer.alloc(65536);
    const count = readSync(3, piece);
    if (!count) process.exit(0);
    line = Buffer.concat([line, piece.subarray(0, count)]);
  }
  const { load } = JSON.parse(line);
  Object.assign(process.env, load.env);
  process.argv.push(load.handler);
  writeSync(4, '{"taken":true}\n');
}

async function main() {
  if (process.argv.length < 3) {
    await rehearse();
    take();
  }
  // Not before: they make the descriptors such that nothing can wait for them.
  const requests = new Socket({ fd: 3, readable: true, writable: false });
  const answers = new Socket({ fd: 4, readable: false, writable: true });
  let handler;
  try {
    handler = await load(process.argv[2]);
  } catch (error) {
    console.error(error);
    answers.end(JSON.stringify({ ready: false, error: describe(error) }) + "\n", () => process.exit(1));
    return;
  }
  // The end of the input is the end of the hub; what the function started goes too.
  requests.on("close", () => process.kill(0, "SIGKILL"));
  answers.write('{"ready":true}\n');
  serve(handler, Duplex.from({ readable: requests, writable: answers }));
}

main();
