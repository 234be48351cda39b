// The stream of samples. Old numbers are never shown as fresh: without a sample for some seconds the page says so.

const STALE = 4000; // milliseconds without a sample
const AGAIN = 5000; // until the next try, where the browser itself does not try
const HIDDEN = 30000; // a page that nobody sees lets go: browsers have six connections to one listener, over all pages

/**
 * Listens. `on.history` and `on.sample` get what came; `on.state` gets "live", or "stale" or "over" with a reason.
 */
export function listen(on) {
  let source = null;
  let heard = Date.now();
  let state = "connecting";
  let hidden = null;

  const become = (next, why = "") => {
    state = next;
    on.state(next, why, heard);
  };

  const open = () => {
    source?.close();
    source = new EventSource("/api/live");
    source.addEventListener("history", (event) => on.history(JSON.parse(event.data)));
    source.addEventListener("sample", (event) => {
      heard = Date.now();
      on.sample(JSON.parse(event.data));
      if (state !== "live") become("live");
    });
    source.addEventListener("replaced", () => {
      close();
      become("over", "More pages are open than may listen at the same time. Reload this one to have it listen again.");
    });
    source.addEventListener("error", refused);
  };

  const close = () => {
    source?.close();
    source = null;
  };

  // The browser connects again by itself after a broken connection, not after an answer that is no stream.
  const refused = async () => {
    if (source?.readyState !== EventSource.CLOSED) return;
    close();
    const answer = await fetch("/api/reload").catch(() => null);
    if (answer?.status === 401) {
      become("over", "You are signed out. Reload this page to sign in.");
      return;
    }
    setTimeout(() => {
      if (!source && state !== "over" && !document.hidden) open();
    }, AGAIN);
  };

  setInterval(() => {
    if (state === "over" || Date.now() - heard < STALE) return;
    become("stale", "No news from the gateway. Connecting again.");
  }, 1000);

  document.addEventListener("visibilitychange", () => {
    clearTimeout(hidden);
    if (document.hidden) hidden = setTimeout(close, HIDDEN);
    else if (!source && state !== "over") open();
  });

  open();
}
