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

  // Older browsers know autofocus for fields only.
  var summary = document.getElementById("summary");
  if (summary) summary.focus();

  // An answer on its way to a party.
  var form = document.querySelector("form[data-send]");
  if (form) HTMLFormElement.prototype.submit.call(form);
})();
