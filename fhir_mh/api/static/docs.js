// Sends what a form of this page holds, and shows the answer. The token stays in this page.
"use strict";
for (const form of document.querySelectorAll("form.try")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const out = form.querySelector("output");
    const headers = {};
    const query = new URLSearchParams();
    let path = form.dataset.path;
    for (const field of form.querySelectorAll("[data-in]")) {
      if (field.value === "") continue;
      if (field.dataset.in === "path") path = path.replace(`{${field.name}}`, encodeURIComponent(field.value));
      if (field.dataset.in === "query") query.append(field.name, field.value);
      if (field.dataset.in === "header") headers[field.name] = field.value;
    }
    const token = document.querySelector("#token");
    if (token && token.value) headers.Authorization = `Bearer ${token.value}`;
    const body = form.querySelector("textarea");
    if (body) headers["Content-Type"] = body.dataset.type;
    const asked = query.toString();
    out.textContent = "...";
    try {
      const answer = await fetch(path + (asked ? `?${asked}` : ""), {
        method: form.dataset.method, headers, body: body ? body.value : undefined });
      const text = await answer.text();
      let shown = text;
      try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: shown as it is */ }
      const named = ["etag", "location"].filter((name) => answer.headers.has(name))
        .map((name) => `${name}: ${answer.headers.get(name)}\n`).join("");
      out.textContent = `${answer.status} ${answer.statusText}\n${named}\n${shown}`;
    } catch (fault) {
      out.textContent = `No answer: ${fault.message}`;
    }
  });
}
