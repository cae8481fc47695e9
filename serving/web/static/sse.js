// Server-sent events in answer to a POST, which EventSource cannot do.
import { ApiError, stream } from "./api.js";

/**
 * Each event as soon as it is there: `{ name, data }`.
 * Throws ApiError; an abort of *signal* ends it with an AbortError, and the server stops working on the answer.
 */
export async function* eventsOf(path, body, signal) {
  const reader = (await stream(path, body, signal)).pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  try {
    for (let part = await next(reader); !part.done; part = await next(reader)) {
      const blocks = (held + part.value).split("\n\n");
      held = blocks.pop();
      for (const block of blocks) {
        const event = eventOf(block);
        if (event) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => undefined); // it may have ended by itself
  }
}

async function next(reader) {
  try {
    return await reader.read();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "The connection broke. Try again.");
  }
}

/** Null for a comment: the server's sign of life. */
function eventOf(block) {
  const fields = new Map(block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]));
  return fields.has("data") ? { name: fields.get("event") ?? "message", data: JSON.parse(fields.get("data")) } : null;
}
