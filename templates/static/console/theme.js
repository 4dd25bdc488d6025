// Sets the chosen theme before the first paint; loaded without defer for that reason. The choice lives in this browser only.
"use strict";

(() => {
    const chosen = () => {
        try { return localStorage.getItem("theme") || "auto"; } catch { return "auto"; }
    };
    const apply = (theme) => {
        if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
        else delete document.documentElement.dataset.theme;
    };
    const show = () => {
        for (const button of document.querySelectorAll("[data-theme-choice]")) {
            button.setAttribute("aria-pressed", String(button.value === chosen()));
        }
    };
    apply(chosen());
    document.addEventListener("DOMContentLoaded", () => {
        for (const group of document.querySelectorAll("[data-theme-choices]")) group.hidden = false;
        show();
    });
    document.addEventListener("click", (event) => {
        const button = event.target.closest("[data-theme-choice]");
        if (!button) return;
        try { localStorage.setItem("theme", button.value); } catch { /* a private window: the choice lasts for this page */ }
        apply(button.value);
        show();
    });
})();
