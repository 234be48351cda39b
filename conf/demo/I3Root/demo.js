// A very small ICWS client: what the vendor's applications do, in one screen of code.
"use strict";

const MEDIA_TYPE = "application/vnd.inin.icws+JSON";
const element = (id) => document.getElementById(id);
let session = null;

function say(text) {
  element("state").textContent = text;
}

function show(text) {
  const item = document.createElement("li");
  item.textContent = `${new Date().toLocaleTimeString()}  ${text}`;
  element("messages").prepend(item);
}

async function call(method, url, body) {
  const headers = { Accept: MEDIA_TYPE, "Content-Type": `${MEDIA_TYPE};charset=utf-8` };
  if (session) headers["ININ-ICWS-CSRF-Token"] = session.token;
  return fetch(url, { method, headers, body: body && JSON.stringify(body) });
}

// A server that cannot take the session names others that can: the client tries those (at most eight).
async function signIn(template, host, user, password, hops = 8) {
  const base = template.replace("{host}", host);
  const answer = await call("POST", `${base}icws/connection`, {
    __type: "urn:inin.com:connection:icAuthConnectionRequestSettings",
    applicationName: "Portcullis demo",
    userID: user,
    password,
  });
  const body = await answer.json();
  if (answer.status === 503 && body.alternateHostList?.length && hops > 0) {
    show(`${host} sends us to ${body.alternateHostList[0]}`);
    return signIn(template, body.alternateHostList[0], user, password, hops - 1);
  }
  if (answer.status !== 201) throw new Error(body.message ?? `status ${answer.status}`);
  return { base, id: body.sessionId, token: body.csrfToken, location: answer.headers.get("Location"), host };
}

async function start(event) {
  event.preventDefault();
  try {
    session = null;
    const { serviceUrlTemplate } = servers;
    session = await signIn(serviceUrlTemplate, element("server").value, element("user").value, element("password").value);
    say(`Signed in at ${session.host}, session ${session.id}.`);
    element("sign-out").disabled = false;
    const root = `${session.base}icws/${session.id}/messaging`;
    await call("PUT", `${root}/subscriptions/status/user-statuses`, { userIds: [element("user").value] });
    session.events = new EventSource(`${root}/messages`);
    session.events.onmessage = (message) => show(message.data);
  } catch (error) {
    say(`Signing in failed: ${error.message}`);
  }
}

async function stop() {
  session.events?.close();
  const answer = await call("DELETE", session.location);
  session = null;
  element("sign-out").disabled = true;
  say(answer.ok ? "Signed out." : `Signing out failed: status ${answer.status}`);
}

let servers = { servers: [], serviceUrlTemplate: "" };

async function main() {
  servers = await (await fetch("config/servers.json")).json();
  for (const { host, displayName } of servers.servers) {
    element("server").append(new Option(displayName, host));
  }
  element("sign-in").addEventListener("submit", start);
  element("sign-out").addEventListener("click", stop);
}

main().catch((error) => say(`The page could not start: ${error.message}`));
