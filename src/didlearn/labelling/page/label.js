"use strict";
// Keys are taken one at a time: an answer is confirmed by the server before the next is read, so none is ever skipped.

const SAID = { d: "duplicate", n: "not", u: "unsure" };
const KEYS = {
  d: "d", n: "n", u: "u", z: "undo", Backspace: "undo", ArrowLeft: "previous", ArrowRight: "next",
  b: "blink", x: "difference", "+": "in", "=": "in", "-": "out",
};
const ZOOMS = [0.25, 0.5, 1, 1.5, 2, 3, 4, 6];
const BLINK = 450;  // milliseconds: 2.2 changes a second, below the three that can harm
const LARGEST = 48;  // CSS pixels that one pixel is shown as before zooming: beyond, nobody sees the picture
const AMPLIFIED = 4;
const byId = (id) => document.getElementById(id);
const stage = byId("stage"), left = byId("a"), right = byId("b"), difference = byId("d");
const state = { person: 0, name: "", answers: [], width: 1, height: 1, at: 0, view: "side", zoom: 1, front: 0 };
let queue = Promise.resolve();
let timer = 0;

async function post(path, data) {
  const reply = await fetch(path, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(data),
  }).catch(() => null);
  if (reply === null) throw new Error("The server does not answer. Start it again, and open the address it prints.");
  const found = reply.headers.get("content-type")?.includes("json") ? await reply.json() : { error: await reply.text() };
  if (!reply.ok) throw new Error(found.error || "The server refused.");
  return found;
}

function show(id) {
  for (const part of ["start", "work", "done"]) byId(part).hidden = part !== id;
}

async function enter(name) {
  Object.assign(state, await post("/api/person", { name }));
  byId("who").textContent = state.name;
  byId("csv").href = "/labels/" + state.person;
  const open = state.answers.indexOf(null);
  if (open < 0) return finish();
  show("work");
  await go(open);
  byId("title").focus();
}

function finish() {
  state.at = state.answers.length;
  show("done");
  byId("done-title").focus();
}

async function go(at) {
  state.at = Math.max(0, Math.min(state.answers.length - 1, at));
  state.front = 0;
  show("work");
  await draw();
  tell();
}

function load(at, side) {
  const image = new Image();
  image.src = `/picture/${state.person}/${at}/${side}`;
  return image.decode().then(() => image);
}

async function draw() {
  const images = await Promise.all([load(state.at, 0), load(state.at, 1)]).catch(() => {
    throw new Error("The server does not answer. Start it again, and open the address it prints.");
  });
  const data = images.map((image, i) => paint([left, right][i], image));
  paintDifference(data);
  const pair = `of pair ${state.at + 1}`;
  left.setAttribute("aria-label", `Left picture ${pair}`);
  right.setAttribute("aria-label", `Right picture ${pair}`);
  lay();
  if (state.at + 1 < state.answers.length) for (const side of [0, 1]) load(state.at + 1, side).catch(() => {});
}

function paint(canvas, image) {
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

function paintDifference([one, other]) {
  difference.width = one.width;
  difference.height = one.height;
  const context = difference.getContext("2d");
  const found = context.createImageData(one.width, one.height);
  let sum = 0;
  for (let i = 0; i < found.data.length; i += 4) {
    for (let c = 0; c < 3; c++) {
      const gap = Math.abs(one.data[i + c] - other.data[i + c]);
      found.data[i + c] = AMPLIFIED * gap;
      sum += gap;
    }
    found.data[i + 3] = 255;
  }
  context.putImageData(found, 0, 0);
  const mean = (sum / (0.03 * 255 * one.width * one.height)).toFixed(1);
  difference.setAttribute("aria-label", `Difference of pair ${state.at + 1}: ${mean} % of full brightness on average`);
  difference.dataset.mean = mean;
}

// As large as the stage allows; whole multiples of a pixel, so that every pixel is a square of one size.
function lay() {
  const side = state.view === "side";
  stage.className = side ? "side" : "one";
  const gap = side ? parseFloat(getComputedStyle(stage).columnGap) || 0 : 0;
  const fit = Math.min((stage.clientWidth - gap - 4) / (side ? 2 : 1) / state.width, (stage.clientHeight - 4) / state.height);
  const scale = Math.min(fit, LARGEST) * state.zoom;
  const times = scale >= 1 ? Math.floor(scale) : Math.max(scale, 0.1);
  for (const canvas of [left, right, difference]) {
    canvas.style.width = `${state.width * times}px`;
    canvas.style.height = `${state.height * times}px`;
  }
  left.hidden = state.view === "difference";
  right.hidden = state.view === "difference";
  difference.hidden = state.view !== "difference";
  front();
  byId("view").textContent = {
    side: "", blink: "Blinking between the two",
    difference: `Difference, ${AMPLIFIED} times as bright: black where equal; ${difference.dataset.mean} % on average`,
  }[state.view];
}

function front() {
  const blink = state.view === "blink";
  left.style.visibility = blink && state.front === 1 ? "hidden" : "visible";
  right.style.visibility = blink && state.front === 0 ? "hidden" : "visible";
}

function look(view) {
  state.view = state.view === view ? "side" : view;
  clearInterval(timer);
  state.front = 0;
  if (state.view === "blink") timer = setInterval(() => { state.front = 1 - state.front; front(); }, BLINK);
  for (const act of ["blink", "difference"]) button(act).setAttribute("aria-pressed", String(state.view === act));
  lay();
  byId("status").textContent = `View: ${state.view === "side" ? "side by side" : state.view}`;
}

function zoom(step) {
  const at = ZOOMS.indexOf(state.zoom) + step;
  state.zoom = ZOOMS[Math.max(0, Math.min(ZOOMS.length - 1, at))];
  lay();
  byId("status").textContent = `Zoom ${100 * state.zoom} %`;
}

const button = (act) => document.querySelector(`#work [data-act="${act}"]`);

function tell() {
  const total = state.answers.length, judged = state.answers.filter((one) => one !== null).length;
  const answer = state.answers[state.at], chip = byId("chip");
  byId("progress").max = total;
  byId("progress").value = judged;
  byId("count").textContent = `${judged} of ${total} judged`;
  byId("place").textContent = `Pair ${state.at + 1} of ${total}`;
  chip.hidden = answer === null;
  chip.className = `chip ${answer || ""}`;
  chip.textContent = answer === null ? "" : `You said: ${SAID[answer]}`;
  for (const act of ["d", "n", "u"]) button(act).setAttribute("aria-pressed", String(answer === act));
  byId("status").textContent = `Pair ${state.at + 1} of ${total}. ${chip.textContent}`;
  document.body.dataset.judged = String(judged);
}

async function answer(said) {
  await post("/api/label", { person: state.person, position: state.at, answer: said });
  state.answers[state.at] = said;
  const after = state.answers.indexOf(null, state.at + 1);
  const open = after < 0 ? state.answers.indexOf(null) : after;
  if (open >= 0) return go(open);
  tell();
  finish();
}

async function undo() {
  const back = await post("/api/undo", { person: state.person });
  if (back.position === null) { byId("status").textContent = "There is nothing to undo"; return; }
  state.answers[back.position] = back.answer;
  await go(back.position);
}

async function act(what) {
  const working = !byId("work").hidden;
  if (!working && byId("done").hidden) return;
  byId("error").textContent = "";
  try {
    if (what === "undo") await undo();
    else if (what === "previous") await go(state.at - 1);
    else if (!working) return;
    else if (what in SAID) await answer(what);
    else if (what === "next") await go(state.at + 1);
    else if (what === "blink" || what === "difference") look(what);
    else if (what === "in" || what === "out") zoom(what === "in" ? 1 : -1);
  } catch (error) {
    show("work");
    byId("error").textContent = error.message;
  }
}

const enqueue = (what) => { queue = queue.then(() => act(what)); };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input")) return;
  const what = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (what === undefined || (event.repeat && what in SAID)) return;
  // Arrow keys move within enlarged pictures that have the focus.
  const scrolls = event.target === stage && stage.scrollWidth > stage.clientWidth && event.key.startsWith("Arrow");
  if (scrolls) return;
  event.preventDefault();
  enqueue(what);
});
document.addEventListener("click", (event) => {
  const pressed = event.target.closest("[data-act]");
  if (pressed) enqueue(pressed.dataset.act);
});
byId("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = byId("name").value;
  enter(name).catch((error) => { show("start"); byId("start-error").textContent = error.message; });
});
window.addEventListener("resize", () => { if (!byId("work").hidden) lay(); });

// The token goes out of the address: the cookie has it now.
history.replaceState(null, "", "/");
const given = document.body.dataset.person;
show("start");
byId("name").focus();
if (given) enter(given).catch((error) => { show("start"); byId("start-error").textContent = error.message; });
