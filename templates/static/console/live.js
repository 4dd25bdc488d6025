// Live regions. The server's events carry nothing; each one makes htmx fetch the region again through its checked view.
//   <div data-live="/events/url/" data-live-state="#where-it-is-said" hx-get="/region/url/" hx-trigger="refresh">
// Where the connection is lost the region is polled, and the page says so.
"use strict";

(() => {
    const SETTLE = 250;
    const POLL = 5000;
    const TRY_AGAIN = 30000;

    class Region {
        constructor(element) {
            this.element = element;
            this.state = document.querySelector(element.dataset.liveState);
            this.soon = null;
            this.poll = null;
            this.source = null;
            this.again = null;
        }

        connect() {
            const polling = this.poll;
            this.poll = null;
            this.close();
            this.poll = polling;
            this.source = new EventSource(this.element.dataset.live);
            this.source.onopen = () => this.connected();
            this.source.onmessage = () => this.refreshSoon();
            this.source.onerror = () => this.lost();
        }

        connected() {
            clearInterval(this.poll);
            this.poll = null;
            this.say("Live", false);
        }

        lost() {
            this.say("Connection lost: refreshed every 5 s", true);
            this.poll ??= setInterval(() => this.refresh(), POLL);
            if (this.source.readyState === EventSource.CLOSED) this.again ??= setTimeout(() => this.connect(), TRY_AGAIN);
        }

        close() {
            this.source?.close();
            clearInterval(this.poll);
            clearTimeout(this.again);
            this.poll = this.again = null;
        }

        refreshSoon() {
            clearTimeout(this.soon);
            this.soon = setTimeout(() => this.refresh(), SETTLE);
        }

        refresh() {
            const active = document.activeElement;
            if (this.element.contains(active) && active.matches("input, textarea, select")) {
                this.soon = setTimeout(() => this.refresh(), POLL);
                return;
            }
            htmx.trigger(this.element, "refresh");
        }

        say(text, lost) {
            if (!this.state) return;
            this.state.classList.toggle("lost", lost);
            const words = this.state.querySelector("[data-words]");
            if (words.textContent !== text) words.textContent = text;
        }
    }

    const keepFolds = () => {
        let open = [];
        const keyed = (root) => root.querySelectorAll("details[data-fold]");
        document.addEventListener("htmx:before:swap", () => {
            open = [...keyed(document)].filter((fold) => fold.open).map((fold) => fold.dataset.fold);
        });
        document.addEventListener("htmx:after:swap", () => {
            for (const fold of keyed(document)) if (open.includes(fold.dataset.fold)) fold.open = true;
        });
    };

    document.addEventListener("DOMContentLoaded", () => {
        const regions = [...document.querySelectorAll("[data-live]")].map((element) => new Region(element));
        if (!regions.length) return;
        keepFolds();
        for (const region of regions) region.connect();
        document.addEventListener("visibilitychange", () => {
            for (const region of regions) {
                if (document.hidden) { region.close(); continue; }
                region.refresh();
                region.connect();
            }
        });
        window.addEventListener("pagehide", () => { for (const region of regions) region.close(); });
    });
})();
