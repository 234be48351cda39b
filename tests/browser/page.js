// What an ICWS web application does, in a real browser: log in, prove the session, subscribe, listen, log out.
//
// The settings are in the fragment of the page's address, which a browser never sends:
//   page.html#user=agent1&password=1234&base=/us/icserver1&report=/report
//
// Every step is one line on the page and one entry of the report; the first that fails ends the run. The report is the
// page's title and is posted to `report`, so that the test hears of a failure at once and not by its deadline.
"use strict";

const MEDIA_TYPE = "application/vnd.inin.icws+JSON";
const STEP_DEADLINE_MS = 8000;

const settings = Object.assign(
  {
    base: "/us/icserver1",
    report: "/report",
    user: "agent1",
    password: "1234",
    subscription: "messaging/subscriptions/status/user-statuses",
  },
  Object.fromEntries(new URLSearchParams(location.hash.slice(1))),
);

// What one step learns and a later one needs.
const session = { id: "", csrfToken: "", location: "" };

const steps = [
  ["servers.json, where it is published, lists servers", serversJson],
  ["log in", logIn],
  ["the cookie is out of the script's reach", cookieIsHttpOnly],
  ["the next call is accepted", nextCall],
  ["the same call without the cookie is refused", callWithoutCookie],
  ["subscribe", subscribe],
  ["a message arrives by EventSource", messageArrives],
  ["log out at the Location of the log-in", logOut],
  ["the session is gone", sessionIsGone],
  ["everything travelled over HTTP/2", everythingOverHttp2],
];

function check(condition, message) {
  if (!condition) throw new Error(message);
}

function sessionUrl(path) {
  return `${settings.base}/icws/${session.id}/${path}`;
}

// The headers that the vendor's library sends with every call, with a body or without one.
function call(method, url, { body, csrf = true, credentials = "same-origin", signal } = {}) {
  const headers = { Accept: MEDIA_TYPE, "Content-Type": `${MEDIA_TYPE};charset=utf-8` };
  if (csrf) headers["ININ-ICWS-CSRF-Token"] = session.csrfToken;
  return fetch(url, { method, headers, credentials, signal, cache: "no-store", body: body && JSON.stringify(body) });
}

async function expectStatus(response, wanted) {
  const text = await response.text();
  check(
    wanted.includes(response.status),
    `${new URL(response.url).pathname} answered ${response.status} instead of ${wanted.join(" or ")}: ${text.slice(0, 300)}`,
  );
  return text;
}

async function serversJson(signal) {
  const response = await fetch("config/servers.json", { signal, cache: "no-store" });
  if (response.status === 404) return "not published";
  const list = JSON.parse(await expectStatus(response, [200]));
  check(Array.isArray(list.servers) && list.servers.length > 0, "servers.json names no server");
  check(list.servers.every((server) => typeof server.host === "string" && server.host), "a server has no host");
  check(String(list.serviceUrlTemplate).includes("{host}"), "serviceUrlTemplate has no {host}");
  return list.servers.map((server) => server.host).join(", ");
}

async function logIn(signal) {
  const response = await call("POST", `${settings.base}/icws/connection?include=features,version`, {
    csrf: false,
    signal,
    body: {
      __type: "urn:inin.com:connection:icAuthConnectionRequestSettings",
      applicationName: "Portcullis browser test",
      userID: settings.user,
      password: settings.password,
    },
  });
  const body = JSON.parse(await expectStatus(response, [201]));
  session.id = String(body.sessionId ?? "");
  session.csrfToken = String(body.csrfToken ?? "");
  session.location = response.headers.get("Location") ?? "";
  check(session.id && session.csrfToken, "the answer has no sessionId or no csrfToken");
  check(response.headers.get("ININ-ICWS-Session-ID") === session.id, "header and body name different sessions");
  check(response.headers.get("ININ-ICWS-CSRF-Token") === session.csrfToken, "header and body carry different tokens");
  check(
    session.location === sessionUrl("connection"),
    `Location is ${session.location || "missing"}, not ${sessionUrl("connection")}`,
  );
  return `session ${session.id}`;
}

function cookieIsHttpOnly() {
  check(!document.cookie.includes("icws_"), "document.cookie shows the session's cookie");
}

async function nextCall(signal) {
  const text = await expectStatus(await call("GET", sessionUrl("connection"), { signal }), [200]);
  return text.slice(0, 120);
}

// Without this step a server that asks for no cookie would let the step before it pass with a wrong cookie path.
async function callWithoutCookie(signal) {
  await expectStatus(await call("GET", sessionUrl("connection"), { signal, credentials: "omit" }), [401]);
}

async function subscribe(signal) {
  const body = { userIds: [settings.user] };
  await expectStatus(await call("PUT", sessionUrl(settings.subscription), { signal, body }), [200, 201, 204]);
}

// EventSource can send neither the token nor a content type: the cookie alone opens the stream.
function messageArrives(signal) {
  return new Promise((resolve, reject) => {
    const source = new EventSource(sessionUrl("messaging/messages"));
    const end = (settle, value) => {
      source.close();
      settle(value);
    };
    signal.addEventListener("abort", () => end(reject, new Error(`no message came (readyState ${source.readyState})`)));
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) end(reject, new Error("the stream was refused"));
    });
    source.addEventListener("message", (event) => {
      try {
        const messages = [].concat(JSON.parse(event.data));
        const types = messages.map((message) => message.__type);
        check(types.length > 0 && types.every((type) => typeof type === "string"), `not a message: ${event.data}`);
        end(resolve, types.join(", "));
      } catch (error) {
        end(reject, error);
      }
    });
  });
}

async function logOut(signal) {
  await expectStatus(await call("DELETE", session.location, { signal }), [200, 202, 204]);
}

async function sessionIsGone(signal) {
  await expectStatus(await call("GET", sessionUrl("connection"), { signal }), [401]);
}

function everythingOverHttp2() {
  const entries = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  const others = entries.filter((entry) => entry.nextHopProtocol !== "h2");
  check(
    others.length === 0,
    others.map((entry) => `${new URL(entry.name).pathname}: ${entry.nextHopProtocol || "unknown"}`).join(", "),
  );
  for (const path of [`${settings.base}/icws/connection`, sessionUrl("messaging/messages")]) {
    check(entries.some((entry) => new URL(entry.name).pathname === path), `${path} was not timed`);
  }
  return `${entries.length} resources`;
}

// A step gets a signal that ends its requests, and ends itself when the deadline passes.
async function withDeadline(step) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new Error(`not done within ${STEP_DEADLINE_MS} ms`)), STEP_DEADLINE_MS);
  try {
    return await step(controller.signal);
  } finally {
    clearTimeout(timer);
  }
}

function show(name, ok, detail) {
  const line = document.createElement("li");
  line.className = ok ? "ok" : "failed";
  line.textContent = `${ok ? "ok" : "FAILED"}: ${name}${detail ? ` (${detail})` : ""}`;
  document.getElementById("steps").append(line);
}

async function run() {
  const report = { ok: true, steps: [], resources: [] };
  for (const [name, step] of steps) {
    const started = performance.now();
    let ok = true;
    let detail = "";
    try {
      detail = (await withDeadline(step)) ?? "";
    } catch (error) {
      ok = false;
      detail = String(error.message ?? error);
    }
    report.steps.push({ name, ok, detail, milliseconds: Math.round(performance.now() - started) });
    show(name, ok, detail);
    if (!ok) {
      report.ok = false;
      break;
    }
  }
  report.resources = performance
    .getEntriesByType("resource")
    .map((entry) => ({ path: new URL(entry.name).pathname, protocol: entry.nextHopProtocol, status: entry.responseStatus }));

  const verdict = document.getElementById("verdict");
  verdict.className = report.ok ? "ok" : "failed";
  verdict.textContent = report.ok ? "every step passed" : "a step failed";
  document.title = JSON.stringify(report);
  // The browser's log shows this line, for the case that the report itself does not get through.
  console.info(document.title);
  const answer = await fetch(settings.report, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: document.title,
  });
  if (!answer.ok) console.error(`the report was answered ${answer.status}`);
}

// Late resources (the style sheet) are timed by now, and a browser that is still loading would spoil the durations.
addEventListener("load", run);
