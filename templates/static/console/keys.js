// The keyboard: j k Enter in lists, a e r n on a request, g + letter to go, ? for help. No key ever decides anything:
// it moves the focus to the form that does, and the person submits it.
"use strict";

(() => {
    const TYPING = "input, textarea, select, [contenteditable]";
    const WAIT_FOR_SECOND_KEY = 1200;
    let goingUntil = 0;

    const rows = () => [...document.querySelectorAll("[data-row]")].filter((row) => row.offsetParent !== null);

    const move = (by) => {
        const all = rows();
        if (!all.length) return;
        const at = all.indexOf(document.activeElement);
        const from = at >= 0 ? at : all.findIndex((row) => row.getAttribute("aria-current") === "true");
        const next = all[Math.min(Math.max(from + by, 0), all.length - 1)];
        next.focus();
        next.scrollIntoView({ block: "nearest" });
    };

    const focusPart = (key) => {
        const part = document.querySelector(`[data-key="${key}"]`);
        if (!part) return;
        if (part.matches("a")) { part.click(); return; }
        if (part.matches("details")) {
            part.open = true;
            (part.querySelector("textarea, input:not([type=hidden])") || part).focus();
            return;
        }
        part.focus();
        part.scrollIntoView({ block: "nearest" });
    };

    const go = (key) => document.querySelector(`[data-go="${key}"]`)?.click();

    const toggleHelp = () => {
        const dialog = document.getElementById("keys");
        if (!dialog) return;
        if (dialog.open) dialog.close();
        else dialog.showModal();
    };

    const closeMenus = (except) => {
        for (const menu of document.querySelectorAll("details.menu[open]")) {
            if (menu !== except) menu.open = false;
        }
    };

    const single = {
        j: () => move(1),
        k: () => move(-1),
        a: () => focusPart("a"),
        e: () => focusPart("e"),
        r: () => focusPart("r"),
        n: () => focusPart("n"),
        g: () => { goingUntil = Date.now() + WAIT_FOR_SECOND_KEY; },
        "?": toggleHelp,
    };

    document.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
        if (event.key === "Escape") { closeMenus(null); return; }
        if (event.target.closest?.(TYPING)) return;
        if (document.querySelector("dialog[open]") && event.key !== "?") return;
        const going = Date.now() < goingUntil;
        goingUntil = 0;
        const act = going ? () => go(event.key) : single[event.key];
        if (!act) return;
        event.preventDefault();
        act();
    });

    document.addEventListener("click", (event) => {
        if (event.target.closest("[data-keys]")) toggleHelp();
        closeMenus(event.target.closest("details.menu"));
    });
})();
