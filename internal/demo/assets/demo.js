// Three comforts of the demo pages, which work without: buttons that copy, the code of an app that stays the one of now, and
// a phone that asks by itself whether its number was typed.
const said = document.getElementById("said");

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    said.textContent = "Copied";
    button.classList.add("done");
    setTimeout(() => { button.classList.remove("done"); said.textContent = ""; }, 1500);
  });
}

for (const output of document.querySelectorAll("[data-code]")) {
  const left = output.closest("section").querySelector(".left");
  const copy = output.parentElement.querySelector("[data-copy]");
  let ends = Date.now() + output.dataset.left * 1000;
  setInterval(async () => {
    const seconds = Math.ceil((ends - Date.now()) / 1000);
    left.textContent = Math.max(seconds, 0);
    if (seconds > 0) return;
    ends = Date.now() + 5000; // until the answer is there, or to try again
    const answer = await fetch(output.dataset.code);
    const [code, more] = (await answer.text()).split(" ");
    output.textContent = code.slice(0, 3) + " " + code.slice(3);
    copy.dataset.copy = code;
    copy.firstElementChild.textContent = "Copy " + code;
    ends = Date.now() + more * 1000;
  }, 500);
}

const phone = document.getElementById("phone");

for (const form of document.querySelectorAll("[data-again]")) {
  const again = setInterval(async () => {
    const answer = await fetch(form.action, { method: "POST" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (page.getElementById("phone")?.dataset.screen === phone.dataset.screen) return;
    clearInterval(again);
    location.replace(location.pathname);
  }, form.dataset.again * 1000);
}
