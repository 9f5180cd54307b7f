/** A document in the page's address: deflated, then base64 with letters that addresses allow; or JSON as one writes it. */

const PREFIX = "#d=";
export const LONGEST = 20_000; // characters of a link

/** @param {Uint8Array<ArrayBuffer>} bytes @param {CompressionStream | DecompressionStream} stream */
async function through(bytes, stream) {
  const answer = new Response(new Blob([bytes]).stream().pipeThrough(stream));
  return new Uint8Array(await answer.arrayBuffer());
}

/** What differs from the defaults, so that links are short. @param {any} value @param {any} standard @returns {any} */
export function difference(value, standard) {
  /** @type {Record<string, any>} */
  const found = {};
  for (const [name, each] of Object.entries(value)) {
    const usual = standard?.[name];
    if (JSON.stringify(each) === JSON.stringify(usual)) continue;
    const section = ["data", "network", "view"].includes(name);
    found[name] = section ? difference(each, usual) : each;
  }
  return found;
}

/** @param {object} document @returns {Promise<string>} the whole address */
export async function linkOf(document) {
  const bytes = await through(new TextEncoder().encode(JSON.stringify(document)), new CompressionStream("deflate-raw"));
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  const address = new URL(location.href);
  address.hash = "";
  return address.href.replace(/#$/, "") + PREFIX + btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** The document of the address, if it holds one. @returns {Promise<any | null>} */
export async function documentOfAddress() {
  const written = decodeURIComponent(location.hash.slice(1));
  if (written.startsWith("{")) return JSON.parse(written);
  if (!location.hash.startsWith(PREFIX)) return null;
  const text = atob(location.hash.slice(PREFIX.length).replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(await through(bytes, new DecompressionStream("deflate-raw"))));
}
