// Only adds: every page works without it.
(function () {
  "use strict";

  // Show and hide a password. It is hidden again when it is sent, so that browsers do not keep it as ordinary text.
  document.querySelectorAll("button[data-show]").forEach(function (button) {
    var field = document.getElementById(button.getAttribute("aria-controls"));
    function show(shown) {
      field.type = shown ? "text" : "password";
      button.lastElementChild.textContent = button.getAttribute(shown ? "data-hide" : "data-show");
    }
    button.addEventListener("click", function () { show(field.type === "password"); });
    field.form.addEventListener("submit", function () { show(false); });
    button.hidden = false;
  });

  // Ticks for the rules of a new password that can be told here; the server checks them all. What is read aloud comes
  // once, when all are met.
  document.querySelectorAll("[data-rules]").forEach(function (list) {
    var field = document.getElementById(list.dataset.rules), status = list.parentNode.querySelector("[role=status]");
    var special;
    try {
      special = new RegExp("[^\\p{L}\\p{M}\\p{Nd}]", "gu");
    } catch (e) { // older browsers
      special = /[^A-Za-z0-9\u00c0-\u024f]/g;
    }
    var items = Array.from(list.children).map(function (item) {
      var said = item.appendChild(document.createElement("span"));
      said.className = "spoken";
      return { item: item, said: said };
    });
    // Hard to guess for certain: several words that are not everybody's, or letters, digits and signs in no order. The
    // server knows more words and weighs them; it takes much that gets no tick here, and nearly nothing the other way.
    var common = ("wachtwoord geheim welkom welcome password passwort hallo hello login inloggen admin zomer winter lente herfst " +
      "summer spring autumn qwerty azerty liefde love schatje maandag dinsdag woensdag donderdag vrijdag zaterdag zondag " +
      "januari februari maart april juni juli augustus september oktober november december mijn deze voor niet het een van " +
      "ajax feyenoord " + (list.dataset.known || "")).toLowerCase().split(/[^a-z]+/);
    function hard(typed) {
      var letters = 0, words = typed.toLowerCase().normalize("NFKD").replace(/[\u0300-\u036f]/g, "").split(/[^a-z]+/);
      words = words.filter(function (w, i) {
        return w.length > 2 && !/^(.)\1*$/.test(w) && common.indexOf(w) < 0 && words.indexOf(w) === i;
      });
      words.forEach(function (w) { letters += w.length; });
      var changes = (typed.match(/[a-z](?=[A-Z0-9])|[A-Z](?=[0-9])|[0-9](?=[a-zA-Z])/g) || []).length;
      return words.length >= 5 || words.length === 4 && letters >= 26 || typed.length >= 12 && changes >= 5 && new Set(typed).size >= 10 &&
        !/qwer|asdf|abcd/i.test(typed.replace(/[^a-z]/gi, ""));
    }

    function check() {
      var typed = field.value.normalize("NFC"), all = true;
      items.forEach(function (i) {
        var data = i.item.dataset, met = "guess" in data ? hard(typed) :
          data.length ? Array.from(typed).length >= data.length : (typed.match(special) || []).length >= data.special;
        i.item.classList.toggle("met", met);
        i.said.textContent = " (" + (met ? list.dataset.met : list.dataset.open) + ")";
        all = all && met;
      });
      if (all !== (status.textContent !== "")) status.textContent = all ? list.dataset.all : "";
    }
    field.addEventListener("input", check);
    field.addEventListener("input", function () { // what was wrong with the one before
      var mistake = document.getElementById(field.id + "-mistake");
      if (mistake) mistake.hidden = true;
    }, { once: true });
    check();
  });

  // Copy. Browsers have a clipboard for scripts only where the connection is safe.
  if (navigator.clipboard) document.querySelectorAll("button[data-copy]").forEach(function (button) {
    button.addEventListener("click", function () {
      navigator.clipboard.writeText(button.dataset.copy).then(function () {
        button.parentNode.querySelector("[role=status]").textContent = button.dataset.copied;
      });
    });
    button.hidden = false;
  });

  document.querySelectorAll("button[data-print]").forEach(function (button) {
    button.addEventListener("click", function () { window.print(); });
    button.hidden = false;
  });

  // Seconds until another text message can be asked, and then the button for it. They change silently; only the end is
  // read aloud. Without script the button is there at once, and pressed too early it leads back here.
  document.querySelectorAll("[data-countdown]").forEach(function (text) {
    var end = Date.now() + text.dataset.countdown * 1000, actions = text.nextElementSibling;
    actions.hidden = true;
    var timer = setInterval(function () {
      var left = Math.ceil((end - Date.now()) / 1000);
      if (left > 0) {
        text.textContent = text.textContent.replace(/\d+/, left);
        return;
      }
      clearInterval(timer);
      text.hidden = true;
      actions.hidden = false;
      actions.parentNode.querySelector("[role=status]").textContent = actions.textContent.trim();
    }, 1000);
  });

  // Checking takes seconds after several wrong passwords: that is said when one of them is over.
  document.querySelectorAll("[data-busy]").forEach(function (status) {
    status.closest("form").addEventListener("submit", function () {
      setTimeout(function () {
        document.querySelectorAll("#summary, .mistake").forEach(function (old) { old.hidden = true; }); // of the form before
        status.textContent = status.dataset.busy;
      }, 1000);
    });
  });

  // How a sign-in on a phone stands: the page is read again when that has changed. The code is hidden while nobody looks.
  var waiting = document.querySelector("[data-state]");
  if (waiting && waiting.dataset.stateUrl && window.fetch) {
    var look = setInterval(function () {
      fetch(waiting.dataset.stateUrl, { credentials: "same-origin", redirect: "error" }).then(function (answer) {
        return answer.ok ? answer.text() : "gone";
      }).then(function (state) {
        if (state === waiting.dataset.state) return;
        clearInterval(look);
        location.replace(location.pathname);
      }, function () {});
    }, 2000);
  }
  document.querySelectorAll("[data-plain]").forEach(function (note) { note.hidden = true; }); // of pages without script
  document.querySelectorAll("[data-veil]").forEach(function (code) {
    function veil(hidden) {
      code.style.visibility = hidden ? "hidden" : "";
      code.parentNode.querySelector("[role=status]").textContent = hidden ? code.dataset.veil : "";
    }
    window.addEventListener("blur", function () { veil(true); });
    window.addEventListener("focus", function () { veil(false); });
  });

  // Older browsers know autofocus for fields only.
  var summary = document.getElementById("summary");
  if (summary) summary.focus();

  // An answer on its way to a party.
  var form = document.querySelector("form[data-send]");
  if (form) HTMLFormElement.prototype.submit.call(form);
})();
