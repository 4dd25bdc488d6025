// Small conveniences that every page can do without: copy buttons, relative times that stay true, one submit a form.
"use strict";

(() => {
    const EVERY = 30000;
    const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

    const relative = (then) => {
        const seconds = Math.round((then - Date.now()) / 1000);
        const size = Math.abs(seconds);
        if (size < 5) return "now";
        const [unit, length] = UNITS.find(([, each]) => size >= each);
        const count = Math.floor(size / length);
        return seconds < 0 ? `${count} ${unit} ago` : `in ${count} ${unit}`;
    };

    const refreshTimes = () => {
        for (const element of document.querySelectorAll("time[data-relative]")) {
            const then = Date.parse(element.dateTime);
            if (!Number.isNaN(then)) element.textContent = relative(then);
        }
    };

    const showScripted = (root) => {
        for (const element of root.querySelectorAll("[data-scripted]")) element.hidden = false;
    };

    const copy = async (button) => {
        try {
            await navigator.clipboard.writeText(button.dataset.copy);
            button.classList.add("copied");
            button.setAttribute("aria-label", "Copied");
        } catch {
            button.setAttribute("aria-label", "Could not copy: select the text instead");
        }
    };

    // What was proposed is told only beside a field that says something else now.
    const tellChange = (was) => {
        const field = document.getElementById(was.dataset.of);
        if (field) was.hidden = field.value.replaceAll("\r\n", "\n") === was.dataset.was.replaceAll("\r\n", "\n");
    };
    const tellChanges = () => document.querySelectorAll("[data-was]").forEach(tellChange);
    document.addEventListener("input", (event) => {
        if (event.target.id) document.querySelectorAll(`[data-of="${CSS.escape(event.target.id)}"]`).forEach(tellChange);
    });

    document.addEventListener("click", (event) => {
        const button = event.target.closest("[data-copy]");
        if (button) copy(button);
    });

    document.addEventListener("submit", (event) => {
        if (event.target.method !== "post" || event.defaultPrevented) return;
        if (event.target.dataset.sent) { event.preventDefault(); return; }
        event.target.dataset.sent = "true";
    });
    window.addEventListener("pageshow", () => {
        for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
        tellChanges();
    });

    document.addEventListener("DOMContentLoaded", () => {
        showScripted(document);
        refreshTimes();
        setInterval(refreshTimes, EVERY);
    });
    const keepCountTrue = () => {
        const waiting = document.getElementById("inbox-waiting")?.dataset.count;
        if (waiting === undefined) return;
        for (const count of document.querySelectorAll("[data-waiting]")) {
            count.firstChild.data = waiting;
            count.classList.toggle("zero", waiting === "0");
        }
    };
    document.addEventListener("htmx:after:swap", () => {
        keepCountTrue();
        showScripted(document);
        refreshTimes();
    });
})();
