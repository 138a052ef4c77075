// Copy buttons, the ticking clock of a job, ages that grow, forms that are sent
// once and keep what was typed, and pages that end with the session.
// The pages work without it.
(() => {
  // ---- copy ----
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const label = button.querySelector("[data-copy-label]");
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      label.textContent = "Copied";
      button.setAttribute("data-copied", "");
    } catch {
      label.textContent = "Press Ctrl+C";
      select(button.previousElementSibling);
    }
    setTimeout(() => {
      label.textContent = "Copy";
      button.removeAttribute("data-copied");
    }, 2000);
  });

  function select(element) {
    if (!element) return;
    const range = document.createRange();
    range.selectNodeContents(element);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  }

  // ---- the clock of a job ----
  // The server says how far the job was when it drew the head (data-now); from
  // there on the browser counts, so the two clocks need not agree.
  let base = 0;
  let since = 0;
  let drawn = "";

  function words(ms) {
    const s = Math.max(ms, 0) / 1000;
    if (s < 0.05) return "< 0.1 s";
    if (s < 10) return s.toFixed(1) + " s";
    if (s < 60) return Math.floor(s) + " s";
    return Math.floor(s / 60) + " min " + String(Math.floor(s % 60)).padStart(2, "0") + " s";
  }

  function left(ms) {
    const s = Math.round(ms / 1000);
    if (s < 1) return "Any moment now.";
    if (s < 60) return "About " + s + " s left.";
    if (s < 600) return "About " + Math.floor(s / 60) + " min " + String(s % 60).padStart(2, "0") + " s left.";
    return "About " + Math.round(s / 60) + " min left.";
  }

  function tick() {
    const head = document.getElementById("job-head");
    if (!head) return;
    if (head.dataset.now !== drawn) {
      drawn = head.dataset.now;
      base = Number(drawn);
      since = performance.now();
    }
    const live = head.hasAttribute("data-live");
    const now = live ? base + performance.now() - since : base;
    if (live) head.querySelector("[data-clock]").textContent = words(now);
    const axis = document.querySelector("[data-axis]");
    if (axis) axis.textContent = "0 to " + words(now);
    for (const step of document.querySelectorAll("[data-step]")) place(step, now);
    if (!live) return;
    for (const end of document.querySelectorAll("[data-until]")) end.textContent = left(Number(end.dataset.until) - now);
  }

  function place(step, now) {
    const start = Number(step.dataset.start);
    const bar = step.querySelector("[data-bar]");
    if (start < 0 || !bar || now <= 0) return;
    const runs = Number(step.dataset.end) < 0;
    const end = runs ? now : Number(step.dataset.end);
    const x = Math.min((start / now) * 1000, 996);
    bar.setAttribute("x", x.toFixed(1));
    bar.setAttribute("width", Math.max(((end - start) / now) * 1000, 4).toFixed(1));
    if (runs) step.querySelector("[data-elapsed]").textContent = words(end - start);
  }

  // ---- ages ----
  // The server says how old something was (data-age); from there on the browser
  // counts, as with the clock of a job.
  const ages = new WeakMap();

  function ago(s) {
    if (s < 10) return "just now";
    if (s < 60) return Math.floor(s) + " s ago";
    if (s < 3600) return Math.floor(s / 60) + " min ago";
    if (s < 48 * 3600) return Math.floor(s / 3600) + " h ago";
    return Math.floor(s / 86400) + " days ago";
  }

  function grow() {
    for (const time of document.querySelectorAll("time[data-age]")) {
      let known = ages.get(time);
      if (!known || known.drawn !== time.dataset.age) {
        known = { drawn: time.dataset.age, since: performance.now() };
        ages.set(time, known);
      }
      const words = ago(Number(known.drawn) + (performance.now() - known.since) / 1000);
      if (time.textContent !== words) time.textContent = words;
    }
  }

  document.addEventListener("DOMContentLoaded", grow);
  document.addEventListener("htmx:after:swap", grow);
  setInterval(grow, 10000);

  // ---- forms ----
  // A form that is on its way is not sent a second time by a second press.
  const sent = new Set();
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.getAttribute("method") !== "post") return;
    if (sent.has(form)) {
      event.preventDefault();
      return;
    }
    sent.add(form);
    setTimeout(() => sent.delete(form), 10000);
    keep(form);
  });
  addEventListener("pageshow", () => sent.clear());

  // A button that htmx disables while its form is on its way loses the focus; it
  // gets it back, unless somebody has gone elsewhere meanwhile.
  let pressed = null;
  document.addEventListener("submit", (event) => { pressed = { form: event.target, button: document.activeElement }; }, true);
  document.addEventListener("htmx:finally:request", (event) => {
    if (event.target !== pressed?.form) return; // streams are requests, too
    const button = pressed.button;
    pressed = null;
    setTimeout(() => {
      if (!button || document.activeElement !== document.body) return;
      const there = button.isConnected ? button : document.querySelector(`[data-testid="${button.dataset.testid}"]`);
      there?.focus({ preventScroll: true });
    }, 0);
  });

  // What was typed comes back when the server first asked who is there: it then
  // sends the browser to the page where the form is, and the form is empty.
  const kept = "drawbridge-form";
  const typed = 'input:not([type=hidden],[type=password],[type=file]), select, textarea';

  function keep(form) {
    if (!document.querySelector(".who") || !form.closest("main") || location.pathname.startsWith("/account")) return;
    const values = [...form.querySelectorAll(typed)].filter((f) => f.name).map((f) => [f.name, f.type === "checkbox" || f.type === "radio" ? [f.value, f.checked] : f.value]);
    if (!values.length) return;
    try {
      sessionStorage.setItem(kept, JSON.stringify({ page: location.pathname, action: form.getAttribute("action"), values }));
    } catch {} // storage may be forbidden or full: then it is typed once more
  }

  function restore() {
    let was = null;
    try {
      was = JSON.parse(sessionStorage.getItem(kept));
      if (["/account/confirm", "/sign-in"].includes(location.pathname)) return;
      sessionStorage.removeItem(kept);
    } catch {}
    const from = document.referrer && new URL(document.referrer);
    if (!was || !from || from.origin !== location.origin || !["/account/confirm", "/sign-in"].includes(from.pathname) || was.page !== location.pathname) return;
    const form = [...document.querySelectorAll("main form")].find((f) => f.getAttribute("action") === was.action);
    if (!form) return;
    for (const [name, value] of was.values) {
      for (const field of form.querySelectorAll(typed)) {
        if (field.name !== name) continue;
        if (!Array.isArray(value)) field.value = value;
        else if (field.value === value[0]) field.checked = value[1];
      }
    }
    for (let up = form.parentElement; up; up = up.parentElement) if (up.tagName === "DETAILS") up.open = true;
    form.querySelector("button:not([type=button])")?.focus();
  }
  document.addEventListener("DOMContentLoaded", restore);

  // ---- the end of a session ----
  // A stream that is refused is that of a page that would be refused, too: the
  // server says why, or asks to sign in.
  document.addEventListener("htmx:sse:error", (event) => {
    if ([401, 403, 404].includes(event.detail.status)) location.reload();
  });

  document.addEventListener("DOMContentLoaded", tick);
  document.addEventListener("htmx:after:swap", tick);
  if (document.getElementById("job-head")) setInterval(tick, 250);
})();
