// undici with a jar of tough-cookie: undici.cjs SCENARIO URL. Prints what it sees, one JSON object
// a line.
"use strict";

const { EnvHttpProxyAgent, fetch } = require("undici");
const { cookie } = require("http-cookie-agent/undici");
const { CookieJar } = require("tough-cookie");

const [scenario, url] = process.argv.slice(2);
const dispatcher = new EnvHttpProxyAgent({ proxyTunnel: false }).compose(cookie({ jar: new CookieJar() }));

const get = (path) => fetch(url + path, { dispatcher });
const post = (path, form = {}) =>
  fetch(url + path, { method: "POST", body: new URLSearchParams(form), dispatcher });

const report = async (step, answer) =>
  console.log(JSON.stringify({ step, status: answer.status, saw: await answer.json() }));

const visit = async () => report("visit", await get("/visit"));

async function signIn() {
  const form = await (await get("/login")).text();
  const [, token] = form.match(/name="token" value="([^"]*)"/);
  await report("sign in", await post("/login", { name: "alice", token }));
}

async function wait(minutes) {
  const answer = await post("/clock", { minutes });
  if (!answer.ok) throw new Error(`the clock answers ${answer.status}`);
}

async function main() {
  if (scenario === "visits") {
    for (let n = 0; n < 3; n += 1) await visit();
  }

  if (scenario === "session") {
    await visit();
    await visit();
    await signIn();
    await visit();

    await wait(16); // the key is renewed
    await visit();
    await visit();
    await wait(2); // the old key retires
    await visit();
    await wait(2);
    await report("keys", await get("/keys"));

    await wait(16); // renewed again, in two requests at once
    for (const answer of await Promise.all([get("/together"), get("/together")])) {
      await report("together", answer);
    }
    await visit();

    await report("sign out", await post("/logout"));
    await signIn();
    await wait(31); // the session expires
    await report("come back", await get("/"));
  }
}

main();
