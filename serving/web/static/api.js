// Asking the API. The cookie goes along by itself.

const AGAIN_MS = 1000;

export class ApiError extends Error {
  /** preparing: what would answer is being built, as after a start of the server. */
  constructor(status, message, preparing = false) {
    super(message);
    Object.assign(this, { status, preparing });
  }
}

/** GET a JSON answer. Throws ApiError; sends the page to the door when the login has ended. */
export async function ask(path, parameters = {}, signal = undefined) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== undefined));
  return answer(await reach(query.size ? `${path}?${query}` : path, { signal }), true);
}

/** The same, as often as needed while the answer is being prepared; *say* is told how far that is. */
export async function askUntilReady(path, parameters, say) {
  for (;;) {
    try {
      return await ask(path, parameters);
    } catch (error) {
      if (!error.preparing) throw error;
      say(error.message);
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

export async function send(method, path, body = undefined, signal = undefined) {
  const options = { method, headers: { "Content-Type": "application/json" }, body: body && JSON.stringify(body), signal };
  return answer(await reach(path, options), false);
}

/** POST, and what comes in answer as it comes: a stream of bytes. Throws ApiError. */
export async function stream(path, body, signal) {
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal };
  const response = await reach(path, options);
  if (!response.ok) await answer(response, false);
  return response.body;
}

async function reach(path, options) {
  try {
    return await fetch(path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "Darkroom cannot be reached. Check the connection, then try again.");
  }
}

async function answer(response, leaveWhenLoggedOut) {
  if (response.ok) return response.status === 204 ? null : response.json();
  if (response.status === 401 && leaveWhenLoggedOut) location.reload();
  let message = `Something went wrong (error ${response.status}). Try again in a moment.`;
  let preparing = false;
  try {
    const body = await response.json();
    preparing = response.status === 503 && "progress" in body;
    if (typeof (body.detail ?? body.error) === "string") message = body.detail ?? body.error;
  } catch {
    // no JSON: the status says it
  }
  throw new ApiError(response.status, message, preparing);
}

/** The address of one photo's bytes. */
export function imageUrl(photo, size) {
  return `/image?${new URLSearchParams({ path: photo.path, library: photo.library_id, size })}`;
}

/** The original film, which a browser may seek in. */
export function filmUrl(photo) {
  return `/video/file?${new URLSearchParams({ path: photo.path, library: photo.library_id })}`;
}
