// The studio: what all its parts use. Names on this level are seen by all of its files, which are joined to one.

history.replaceState(null, "", location.pathname + location.hash); // the token has become a cookie

const part = encodeURIComponent;
const address = (run, rest = "") => `/api/runs/${part(run)}${rest}`;

// Ask the studio; a refusal comes as an error with its one line.
async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The studio does not answer. Is it still running in its terminal?");
  }
  const text = await answer.text();
  let values = {};
  try {
    values = JSON.parse(text);
  } catch {
    values = { error: text.trim() };
  }
  if (!answer.ok) throw new Error(sentence(values.error || `The studio answered with ${answer.status}.`));
  return values;
}

// Why a stream of events broke off: null while the browser tries to connect again, else what the studio says.
async function whyClosed(stream, path) {
  if (stream.readyState !== EventSource.CLOSED) return null;
  try {
    await ask(path);
  } catch (error) {
    return error;
  }
  return new Error("The studio sends no news any more. Load the page anew.");
}
const post = (path, values = {}) => ask(path, { method: "POST", body: JSON.stringify(values) });

// A text as a sentence; one that begins with the name of a file keeps that as it is.
const sentence = (text) =>
  text && (/^[a-z][a-z’'-]*([ ,:;]|$)/.test(text) ? text[0].toUpperCase() + text.slice(1) : text) + (/[.!?]$/.test(text) ? "" : ".");
const plural = (count, what) => `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;

// A duration as one speaks of what lies ahead.
function roughly(seconds) {
  if (seconds < 20) return plural(Math.max(1, Math.round(seconds)), "second");
  if (seconds < 90) return plural(5 * Math.round(seconds / 5), "second");
  if (seconds < 90 * 60) return plural(Math.round(seconds / 60), "minute");
  if (seconds < 36 * 3600) return plural(Math.round(seconds / 3600), "hour");
  return plural(Math.round(seconds / 86400), "day");
}

const element = (name, values = {}, ...inside) => {
  const made = Object.assign(document.createElement(name), values);
  made.append(...inside);
  return made;
};

const svg = (name, values, ...inside) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(values)) made.setAttribute(key, value);
  made.append(...inside);
  return made;
};
