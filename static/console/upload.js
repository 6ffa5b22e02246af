// Sends the files of a chosen folder to the store, part by part, and writes the upload's address
// into the form, which is then sent without them.
"use strict";

const TRIES = 3;
const LINKS = 100;

function told(input) {
  const place = document.createElement("div");
  place.className = "hk-upload";
  place.innerHTML = '<progress max="100" value="0"></progress><p role="status"></p>';
  input.after(place);
  return {
    say(text, percent) {
      place.querySelector("p").textContent = text;
      if (percent !== undefined) place.querySelector("progress").value = percent;
    },
    fail(text) {
      place.classList.add("hk-failed");
      place.querySelector("p").textContent = text;
    },
  };
}

async function call(form, path, body) {
  const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
  const answer = await fetch(`/api/v1/${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": token },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.message || `The platform answers ${answer.status}.`);
  return content;
}

async function sha256(file) {
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// "folder/data/model.bin" -> "data/model.bin"
function inside(file) {
  const path = file.webkitRelativePath || file.name;
  return path.includes("/") ? path.slice(path.indexOf("/") + 1) : path;
}

async function put(url, part) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const answer = await fetch(url, { method: "PUT", body: part });
      await answer.arrayBuffer();
      if (answer.ok) return;
      if (attempt === TRIES) throw new Error(`The store answers ${answer.status}.`);
    } catch (error) {
      if (attempt === TRIES) throw error;
    }
    await new Promise((resolve) => { setTimeout(resolve, 500 * attempt); });
  }
}

async function sendFile(form, upload, position, file, sent) {
  const { part_bytes: size } = upload.files[position];
  for (let first = 1; first;) {
    const query = `file=${position}&first=${first}&count=${LINKS}`;
    const links = await call(form, `uploads/${upload.id}/parts?${query}`);
    for (const { number, url } of links.parts) {
      const part = file.slice((number - 1) * size, number * size);
      await put(url, part);
      sent(part.size);
    }
    first = links.next;
  }
}

async function send(form, input, line) {
  const files = [...input.files];
  const total = files.reduce((sum, file) => sum + file.size, 0);
  if (total > Number(input.dataset.limit)) {
    throw new Error("The folder is larger than 1 GiB; register it through the API.");
  }
  const stated = [];
  for (const file of files) {
    line.say(`Reading ${inside(file)}`, 0);
    stated.push({ path: inside(file), size_bytes: file.size, sha256: await sha256(file) });
  }
  const project = form.querySelector("[name=project]").value;
  const upload = await call(form, "uploads", { project, files: stated });
  let done = 0;
  for (const [position, file] of files.entries()) {
    line.say(`Sending ${inside(file)}`);
    await sendFile(form, upload, position, file, (bytes) => {
      done += bytes;
      line.say(`Sending ${inside(file)}`, total ? (100 * done) / total : 100);
    });
  }
  const completed = await call(form, `uploads/${upload.id}/complete`, {});
  line.say("Sent; registering.", 100);
  return completed.source;
}

for (const input of document.querySelectorAll("input[data-upload]")) {
  const { form } = input;
  let line;
  form.addEventListener("submit", async (event) => {
    if (!input.files.length) return;
    event.preventDefault();
    const button = form.querySelector("[type=submit]");
    button.disabled = true;
    line ??= told(input);
    try {
      document.getElementById(input.dataset.upload).value = await send(form, input, line);
      input.disabled = true;
      form.submit();
    } catch (error) {
      line.fail(`${error.message} Nothing was registered; try again.`);
      button.disabled = false;
    }
  });
}
