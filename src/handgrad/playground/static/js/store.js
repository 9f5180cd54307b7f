/**
 * What the page knows: the server's greeting, the document, its state, the last frame, the curves.
 * Panels subscribe by topic. A change of the document goes to the server one at a time; while one is under
 * way further changes gather, so a dragged slider never outruns the server.
 */
import { Connection } from "./connection.js";
import { Columns, isWhole, resumed } from "./resume.js";
import { activations } from "./rules.js";

/** @typedef {"hello" | "document" | "state" | "frame" | "curves" | "signals" | "doctor" | "link" | "opening" | "error" | "trace" | "proof" | "comparison" | "columns" | "file" | "language" | "theme" | "selection" | "hide"} Topic */

const ANSWER_LIMIT = 4000;
const ANSWERED = ["open", "change", "reset", "rewind", null]; // what is answered by a state, or refused; null: the server is at fault

/** @param {string} base64 */
export const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

export class Store {
  constructor() {
    /** @type {Map<Topic, Set<(value: any) => void>>} */
    this.listeners = new Map();
    /** @type {Hello | null} */
    this.hello = null;
    /** @type {PlayDocument | null} */
    this.document = null;
    /** @type {PlayState | null} */
    this.state = null;
    /** @type {Frame | null} */
    this.frame = null;
    this.history = new Columns();
    this.curves = this.history.columns;
    /** @type {import("./resume.js").Held | null} the last frame that a run can be begun again from */
    this.held = null;
    /** @type {any[]} how the run came about, as the server told last */
    this.legs = [];
    /** @type {Signals | null} */
    this.signals = null;
    this.signalled = "";
    /** @type {{healthy: boolean, findings: Finding[]} | null} */
    this.doctor = null;
    /** @type {{row: number, part: "train" | "test"} | null} */
    this.selection = null;
    /** @type {Record<string, any>} the last answer of each kind, for the tests to look at */
    this.last = {};
    this.linked = false;
    /** @type {{layer: string, unit: number} | null} where the next trace is to be opened */
    this.wish = null;
    /** @type {{resolve: (document: any) => void, reject: (wrong: Error) => void} | null} who waits for the document with weights */
    this.waiter = null;
    /** @type {object} what `open` sends when there is no document yet */
    this.opening = {};
    this.dirty = false;
    this.waitingSince = 0;
    this.frameWanted = false;
    this.connection = new Connection({
      onMessage: (message) => this.receive(message),
      onFrame: (frame) => this.receiveFrame(frame),
      onLink: (up, retry) => this.link(up, retry),
    });
  }

  /** @param {Topic} topic @param {(value: any) => void} listener @returns {() => void} */
  on(topic, listener) {
    if (!this.listeners.has(topic)) this.listeners.set(topic, new Set());
    this.listeners.get(topic)?.add(listener);
    return () => this.listeners.get(topic)?.delete(listener);
  }

  /** @param {Topic} topic @param {any} [value] */
  tell(topic, value) {
    for (const listener of this.listeners.get(topic) ?? []) listener(value);
  }

  /** Sends a message, if the line is up and it is not too long; whether it did. @param {string} action @param {Record<string, any>} [rest] */
  do(action, rest = {}) {
    const text = JSON.stringify({ ...rest, do: action });
    return this.fits(text) && this.connection.send(text);
  }

  /** Whether the server takes a message of that length; says so if not. @param {string} text */
  fits(text) {
    const most = this.hello?.limits.message_bytes ?? Infinity;
    if (text.length <= most) return true;
    this.tell("error", { key: "too.long", vars: { characters: text.length, most } });
    return false;
  }

  /** The document with the weights on screen, from the server. @returns {Promise<any>} */
  withWeights() {
    this.waiter?.reject(new Error("asked anew"));
    return new Promise((resolve, reject) => {
      this.waiter = { resolve, reject };
      if (!this.do("export", { to: "document" })) this.release(null);
    });
  }

  /** Gives the document to who waits for it; none: there will be none. @param {any} document */
  release(document) {
    if (document) this.waiter?.resolve(document);
    else this.waiter?.reject(new Error("there is no document"));
    this.waiter = null;
  }

  /** @param {boolean} up @param {number} retry */
  link(up, retry) {
    this.linked = up;
    this.waitingSince = 0;
    if (up) this.back();
    else this.release(null);
    this.tell("link", { up, retry });
  }

  /** The line is there: what was on the page goes on, with the changes that nobody heard. */
  back() {
    if (!this.document || !this.held) return this.do("open", { document: this.document ?? this.opening });
    const { document, frame } = this.held;
    this.dirty ||= JSON.stringify(this.document) !== JSON.stringify(document);
    this.waitingSince = performance.now();
    this.history.carry(frame.header.epoch);
    this.do("open", { document: resumed(this.held) });
    if (this.frame?.header.running) this.do("run");
  }

  /** Begins anew from a document, e.g. a lesson's or a link's. @param {object} document */
  open(document) {
    if (!this.fits(JSON.stringify(document))) return;
    this.opening = document;
    this.document = this.held = null;
    this.dirty = false;
    this.last = {};
    this.selection = null;
    this.waitingSince = performance.now();
    this.history.forget();
    this.tell("opening");
    this.do("open", { document });
  }

  /** Changes the document and sends it. @param {(document: PlayDocument) => void} alter */
  change(alter) {
    if (!this.document) return;
    const next = structuredClone(this.document);
    alter(next);
    next.start = null;
    if (!this.fits(JSON.stringify(next))) return this.tell("document", this.document);
    this.document = next;
    this.dirty = true;
    this.tell("document", next);
    this.flush();
  }

  flush() {
    if (!this.dirty || !this.document) return;
    const waiting = performance.now() - this.waitingSince;
    if (this.waitingSince && waiting < ANSWER_LIMIT) return;
    if (!this.do("change", { document: this.document })) return;
    this.dirty = false;
    this.waitingSince = performance.now();
    setTimeout(() => this.flush(), ANSWER_LIMIT + 50);
  }

  answered() {
    this.waitingSince = 0;
    this.flush();
  }

  /** @param {any} message */
  receive(message) {
    if (message.kind === "hello") this.hello = message;
    else if (message.kind === "state") {
      const labels = new Map(this.hello?.catalogue.inputs.map((input) => [input.name, input.label]));
      message.inputs = message.inputs.map((/** @type {any} */ name) => (typeof name === "string" ? { name, label: labels.get(name) ?? name } : name));
      const rules = activations(message.document);
      for (const layer of message.layers) if (layer.role === "hidden") layer.activation = rules[layer.index] ?? layer.activation;
      this.state = message;
      this.connection.settle();
      this.signalled = "";
      if (!this.dirty || !this.document) this.document = message.document;
      this.answered();
    } else if (message.kind === "error") {
      const refused = ANSWERED.includes(message.doing);
      if (message.document && (refused || !this.dirty)) {
        this.document = message.document;
        this.dirty = false;
        this.tell("document", this.document);
      }
      if (refused) this.answered();
      if (message.doing === "export") this.release(null);
    } else if (message.kind === "file" && this.waiter && message.name.endsWith(".json")) {
      return this.release(JSON.parse(new TextDecoder().decode(bytesOf(message.base64))));
    } else this.last[message.kind] = message;
    this.tell(message.kind, message);
  }

  /** @param {Frame} frame */
  receiveFrame(frame) {
    this.frame = frame;
    const { curves, signals, doctor, legs } = frame.header;
    if (legs) this.legs = legs;
    if (this.state && isWhole(frame, this.state)) this.held = { document: this.state.document, frame, legs: this.legs };
    if (curves && this.history.extend(curves)) this.tell("curves", this.curves);
    const signalled = signals && JSON.stringify(signals);
    if (signalled && signalled !== this.signalled) {
      this.signals = signals;
      this.signalled = signalled;
      this.tell("signals", signals);
    }
    if (doctor) {
      this.doctor = doctor;
      this.tell("doctor", doctor);
    }
    if (this.frameWanted) return;
    this.frameWanted = true;
    if (document.hidden) setTimeout(() => this.draw(), 200);
    else requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.frameWanted = false;
    if (!this.frame) return;
    const number = this.frame.header.frame;
    this.tell("frame", this.frame);
    this.do("seen", { frame: number });
  }

  /** The values of one parameter in the last frame. @param {string} name */
  parameter(name) {
    const where = this.state?.parameters.find((parameter) => parameter.name === name);
    const params = this.frame?.arrays.params;
    if (!where || !params) return null;
    const size = where.shape.reduce((product, extent) => product * extent, 1);
    if (where.start + size > params.values.length) return null;
    return { ...where, values: params.values.subarray(where.start, where.start + size) };
  }

  /** @param {number} row @param {"train" | "test"} part */
  select(row, part) {
    this.selection = { row, part };
    this.tell("selection", this.selection);
  }
}
