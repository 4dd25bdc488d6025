// Live regions. The server's events carry nothing; each one makes htmx fetch the region again through its checked view.
//   <div data-live="/events/url/" data-live-state="#where-it-is-said" hx-get="/region/url/" hx-trigger="refresh">
// Regions of one address share one stream; what moved before it opened is fetched as it opens. Where the connection is
// lost they are polled, and the page says so. A region in which somebody types waits until they are done, unless it is
// marked data-live-at-once; typed text is never lost.
"use strict";

(() => {
    const SETTLE = 250;
    const POLL = 5000;
    const TRY_AGAIN = 30000;
    const TYPED = "textarea, input:not([type=hidden]), select";

    class Region {
        constructor(element) {
            this.element = element;
            this.soon = null;
        }

        refreshSoon() {
            clearTimeout(this.soon);
            this.soon = setTimeout(() => this.refresh(), SETTLE);
        }

        refresh() {
            const active = document.activeElement;
            const atOnce = "liveAtOnce" in this.element.dataset;
            if (!atOnce && this.element.contains(active) && active.matches(TYPED)) {
                this.soon = setTimeout(() => this.refresh(), POLL);
                return;
            }
            htmx.trigger(this.element, "refresh");
        }
    }

    class Stream {
        constructor(address, elements) {
            this.address = address;
            this.regions = elements.map((element) => new Region(element));
            this.states = new Set(elements.map((element) => document.querySelector(element.dataset.liveState)));
            this.poll = null;
            this.source = null;
            this.again = null;
        }

        connect() {
            const polling = this.poll;
            this.poll = null;
            this.close();
            this.poll = polling;
            this.source = new EventSource(this.address);
            this.source.onopen = () => this.connected();
            this.source.onmessage = () => { for (const region of this.regions) region.refreshSoon(); };
            this.source.onerror = () => this.lost();
        }

        connected() {
            clearInterval(this.poll);
            this.poll = null;
            this.say("Live", false);
            for (const region of this.regions) region.refreshSoon();
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

        refresh() {
            for (const region of this.regions) region.refresh();
        }

        say(text, lost) {
            for (const state of this.states) {
                if (!state) continue;
                state.classList.toggle("lost", lost);
                const words = state.querySelector("[data-words]");
                if (words.textContent !== text) words.textContent = text;
            }
        }
    }

    // What is open stays open, what is typed stays typed: in its field, or where the field is gone, in [data-typed].
    // Each region notes its own: regions are swapped at the same time, one before the other has ended.
    const keepFoldsAndText = () => {
        const noted = new WeakMap();
        const foldKey = (fold) => fold.dataset.fold || fold.dataset.key || "";
        const keyed = (region) => [...region.querySelectorAll("details[data-fold], details[data-key]")];
        const fields = (region) => [...region.querySelectorAll("textarea, input:not([type=hidden])")];
        document.addEventListener("htmx:before:swap", (event) => {
            const region = event.target.closest("[data-live]");
            if (!region) return;
            noted.set(region, {
                open: keyed(region).filter((fold) => fold.open).map(foldKey),
                typed: fields(region).filter((field) => field.id && field.value).map((field) => [field.id, field.value]),
                focused: region.contains(document.activeElement) ? document.activeElement.id : "",
            });
        });
        document.addEventListener("htmx:after:swap", (event) => {
            const region = event.target.closest("[data-live]");
            const before = noted.get(region);
            if (!before) return;
            noted.delete(region);
            for (const fold of keyed(region)) if (before.open.includes(foldKey(fold))) fold.open = true;
            for (const [id, text] of before.typed) putBack(id, text);
            if (before.focused && document.activeElement === document.body) document.getElementById(before.focused)?.focus();
        });
    };

    const putBack = (id, text) => {
        const place = document.querySelector("[data-typed]");
        const field = document.getElementById(id) || place?.querySelector("textarea");
        if (!field) return;
        field.value = text;
        if (place?.contains(field)) place.hidden = false;
    };

    const streams = () => {
        const elements = [...document.querySelectorAll("[data-live]")];
        const addresses = [...new Set(elements.map((element) => element.dataset.live))];
        return addresses.map((each) => new Stream(each, elements.filter((element) => element.dataset.live === each)));
    };

    document.addEventListener("DOMContentLoaded", () => {
        const all = streams();
        if (!all.length) return;
        keepFoldsAndText();
        for (const stream of all) stream.connect();
        document.addEventListener("visibilitychange", () => {
            for (const stream of all) {
                if (document.hidden) { stream.close(); continue; }
                stream.refresh();
                stream.connect();
            }
        });
        window.addEventListener("pagehide", () => { for (const stream of all) stream.close(); });
    });
})();
