// Copy buttons, the ticking clock of a job, and pages that end with the session.
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
