/** The WebSocket: sends JSON, decodes frames, and comes back after a loss with ever longer pauses. */

const FIRST_PAUSE = 500;
const IDLE = 1001; // the code of a WebSocket that was closed because nobody asked for anything
const LONGEST_PAUSE = 10_000;

/**
 * Reads one binary frame: uint32 length, JSON header, then the arrays it names.
 * @param {ArrayBuffer} buffer @returns {Frame}
 */
export function decodeFrame(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  /** @type {FrameHeader} */
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  /** @type {Record<string, FrameArray>} */
  const arrays = {};
  for (const { name, type, shape, offset } of header.arrays) {
    const size = shape.reduce((product, extent) => product * extent, 1);
    const View = type === "f8" ? Float64Array : Float32Array;
    arrays[name] = { shape, values: new View(buffer, 4 + length + offset, size) };
  }
  return { header, arrays };
}

/**
 * @typedef {object} Listener
 * @property {(message: any) => void} onMessage
 * @property {(frame: Frame) => void} onFrame
 * @property {(up: boolean, retryInSeconds: number) => void} onLink
 */

export class Connection {
  /** @param {Listener} listener */
  constructor(listener) {
    this.listener = listener;
    this.pause = FIRST_PAUSE;
    /** @type {WebSocket | null} */
    this.socket = null;
    this.timer = 0;
  }

  open() {
    clearTimeout(this.timer);
    const token = new URLSearchParams(location.search).get("token");
    const address = new URL("session", location.href.split(/[?#]/)[0]);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    if (token) address.searchParams.set("token", token);
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => this.listener.onLink(true, 0);
    socket.onmessage = (event) => {
      if (typeof event.data === "string") this.listener.onMessage(JSON.parse(event.data));
      else this.listener.onFrame(decodeFrame(event.data));
    };
    socket.onclose = ({ code }) => {
      if (this.socket !== socket) return;
      this.socket = null;
      if (code === IDLE) return this.sleep();
      this.listener.onLink(false, this.pause / 1000);
      this.timer = window.setTimeout(() => this.open(), this.pause);
      this.pause = Math.min(LONGEST_PAUSE, this.pause * 2);
    };
  }

  /** The server serves: should it go again, the first try comes soon. */
  settle() {
    this.pause = FIRST_PAUSE;
  }

  /** Closed because nothing was asked for long: back as soon as somebody is there. */
  sleep() {
    this.listener.onLink(false, Infinity);
    const wake = () => {
      for (const kind of ["pointerdown", "keydown"]) removeEventListener(kind, wake);
      this.open();
    };
    for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, wake);
  }

  /** Sends if the line is up, and says whether it did. @param {string} text */
  send(text) {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(text);
    return true;
  }
}
