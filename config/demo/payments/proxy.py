"""The proxy itself: every request passes Stripe's idempotency rules, the gaps' filling, and the faults of a test."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlencode

from aiohttp import ClientSession, ClientTimeout, web

from config.demo.payments.faults import Fault, Faults
from config.demo.payments.gaps import Overlay, Pairs, refund_of
from config.demo.payments.keys import Answer, Keys, fingerprint
from workspaces.ids import uuid7

HEADERS: Final = ("Authorization", "Stripe-Version", "Content-Type")
FORM: Final = "application/x-www-form-urlencoded"


class Dropped(Exception):
    """The connection is to be dropped without an answer."""


class Proxy:
    """Stands before one localstripe, whose address it asks for; ``faults`` is None where nobody may ask for any."""

    def __init__(
        self, upstream: Callable[[], Awaitable[str]], folder: Path | None = None, *, with_faults: bool = False
    ) -> None:
        self.upstream = upstream
        self.keys, self.overlay = Keys(), Overlay()
        self.faults = Faults() if with_faults else None
        self._file = folder / "proxy.json" if folder else None
        self._refunding = asyncio.Lock()
        self._session: ClientSession | None = None
        self._remember()

    def application(self) -> web.Application:
        """Return the server's application."""
        app = web.Application()
        if self.faults is not None:
            app.router.add_post("/_faults", self._add_fault)
            app.router.add_delete("/_faults", self._clear_faults)
        app.router.add_route("*", "/{path:.*}", self.handle)
        return app

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, or drop it."""
        try:
            answer = await self._answer(request)
        except Dropped:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        named = {"Request-Id": f"req_{uuid7().hex}", **answer.headers}
        return web.Response(status=answer.status, text=answer.body, content_type="application/json", headers=named)

    async def close(self) -> None:
        """Close the connections to localstripe."""
        if self._session is not None:
            await self._session.close()

    async def _answer(self, request: web.Request) -> Answer:
        pairs = parse_qsl(await request.text(), keep_blank_values=True)
        key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        if key is None:
            return await self._carry_out(request, pairs)
        key = fingerprint(request.headers.get("Authorization", ""), key, [])  # keys belong to an account
        asked = fingerprint(request.method, request.path, pairs)
        if (known := self.keys.begin(key, asked)) is not None:
            return known
        answer: Answer | None = None
        dropping = False
        try:
            answer = await self._carry_out(request, pairs)
        except Dropped as drop:
            answer, dropping = (drop.args or (None,))[0], True
        finally:
            self.keys.end(key, asked, answer)
            self._save()
        if dropping:
            raise Dropped
        return answer or Answer(500, "")

    async def _carry_out(self, request: web.Request, pairs: Pairs) -> Answer:
        """Forward the request, unless a fault says otherwise before or after."""
        fault = self.faults.meant_for(request.method, request.path) if self.faults else None
        if fault is not None and not fault.after:
            return await self._fail(fault, None)
        answer = await self._forward(request, pairs)
        return await self._fail(fault, answer) if fault is not None else answer

    async def _fail(self, fault: Fault, answer: Answer | None) -> Answer:
        if fault.then == "answer":
            return fault.answer()
        if fault.then == "hang" and self.faults is not None:
            await self.faults.released.wait()
        raise Dropped(answer)

    async def _forward(self, request: web.Request, pairs: Pairs) -> Answer:
        if request.method == "POST" and request.path == "/v1/refunds":
            async with self._refunding:
                return await self._refund(request, pairs)
        answer = await self._ask(request, request.method, request.path_qs, pairs)
        if request.method == "POST" and answer.status < 300:
            self.overlay.keep(request.path, pairs, answer)
        return self.overlay.shown(answer)

    async def _refund(self, request: web.Request, pairs: Pairs) -> Answer:
        charge = await self._ask(request, "GET", f"/v1/charges/{dict(pairs).get('charge', '')}", [])
        if charge.status != 200:
            return charge
        form = refund_of(json.loads(charge.body), pairs)
        if isinstance(form, Answer):
            return form
        answer = await self._ask(request, "POST", request.path, form)
        if answer.status < 300:
            self.overlay.keep(request.path, pairs, answer)
        return self.overlay.shown(answer)

    async def _ask(self, request: web.Request, method: str, path: str, pairs: Pairs) -> Answer:
        if self._session is None:
            self._session = ClientSession(timeout=ClientTimeout(total=30))
        passed = {name: request.headers[name] for name in HEADERS if name in request.headers}
        body = urlencode(pairs) if method == "POST" else None
        upstream = await self.upstream()
        async with self._session.request(method, upstream + path, headers=passed, data=body) as answer:
            return Answer(answer.status, await answer.text())

    async def _add_fault(self, request: web.Request) -> web.Response:
        if self.faults is not None:
            self.faults.add(await request.json())
        return web.Response()

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        if self.faults is not None:
            self.faults.clear()
        return web.Response()

    def _remember(self) -> None:
        if self._file is not None and self._file.exists():
            known = json.loads(self._file.read_text())
            self.keys.kept, self.overlay = known["keys"], Overlay(**known["overlay"])

    def _save(self) -> None:
        if self._file is not None:
            part = self._file.with_suffix(".part")
            part.touch(mode=0o600)
            part.write_text(json.dumps({"keys": self.keys.kept, "overlay": asdict(self.overlay)}))
            part.replace(self._file)
