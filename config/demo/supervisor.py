"""Start the demo, keep it running, stop all of it: the one process that the person at the terminal talks to."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

from config.demo import keys, ports
from config.demo.stages import ANNOUNCED, STAGES
from config.services import processes
from config.services.errors import CannotStart
from config.services.places import CHECKOUT, InUse, Places, claimed
from config.services.postgres import free_port
from config.services.running import say, services, write_record

FIRST_PAGE = 60.0
TOO_EARLY = 5.0
LOOK_EVERY = 0.5


class Stopped(BaseException):
    """The person, or the system, asked the demo to end."""


@dataclass
class Supervisor:
    """The demo of one ``var`` folder; ``environment`` is what its processes are given."""

    var: Path
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    children: list[processes.Child] = field(default_factory=list)
    port: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://{ports.HOST}:{self.port}/"

    def run(self, story: list[str] | None) -> int:
        """Start everything, then wait for the end or play ``story``; return the exit status."""
        began = time.monotonic()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.on_signal)
        with ExitStack() as stack:
            try:
                self.claim(stack)
                running = stack.enter_context(services(self.var))
                self.environment |= running.addresses | keys.ensure(self.var)
                stack.callback(self.stop)
                self.open_the_outside(for_story=story is not None)
                self.prepare()
                self.start_processes()
                self.await_first_page()
                self.announce(time.monotonic() - began)
                return self.play(story) if story else self.watch()
            except Stopped:
                say("\nStopping")
                return 0 if story is None else 130

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        """Begin to stop, once: a second Ctrl-C must not cut the stopping short."""
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(number)

    def claim(self, stack: ExitStack) -> None:
        """Be the one demo of this folder, on a port of its own."""
        try:
            stack.enter_context(claimed(Places.of(self.var), "demo"))
        except InUse as other:
            raise CannotStart(
                f"Countersign is already running at {address_of(self.var)} (process {other.pid}): "
                "use that one, or stop it with Ctrl-C where it was started."
            ) from None
        self.port = ports.choose()
        self.environment |= {
            "PORT": str(self.port),
            "COUNTERSIGN_URL": self.url,
            "HTTPS_ONLY": "0",
            "VAR_DIR": str(self.var),
        }
        self.environment.setdefault("LEDGER_WITNESS_FILE", str(self.var / "witness.jsonl"))
        self.environment |= {"DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONUNBUFFERED": "1"}
        write_record(self.var / "demo.json", {"url": self.url, "pid": os.getpid()})

    def open_the_outside(self, *, for_story: bool) -> None:
        """Start mail and payments, and let the application reach the demo's outside systems and no others."""
        smtp, inbox = ports.for_mail(self.var)
        self.environment |= {"DEMO_SMTP_PORT": str(smtp), "DEMO_INBOX_PORT": str(inbox)}
        if "EMAIL_HOST" not in self.environment:
            self.environment |= {"EMAIL_HOST": ports.HOST, "EMAIL_PORT": str(smtp), "EMAIL_TLS": "0"}
        if has_payments():
            self.environment["DEMO_PAYMENTS_PORT"] = str(ports.for_payments(self.var))
        if for_story:
            self.environment["DEMO_STORY_PORT"] = str(free_port(0))
        self.environment["OUTBOUND_ALLOWED"] = ports.outbound(self.environment)
        self.start("mail")
        if has_payments():
            self.start("payments")

    def prepare(self) -> None:
        """Carry out the stages: first those of the tables' owner, then those of the application."""
        (self.var / ANNOUNCED).unlink(missing_ok=True)
        owner = {**self.environment, "DATABASE_URL": self.environment["DATABASE_OWNER_URL"]}
        todo = [("owner", owner), ("application", self.application())]
        for whose, environment in todo if any(not stage.as_owner for stage in STAGES) else todo[:1]:
            command = [sys.executable, "-m", "config.demo.stages", whose]
            if self.run_in_front(command, environment) != 0:
                raise CannotStart(
                    "the demo could not be prepared; the lines above say why. `make clean-demo` starts afresh."
                )

    def application(self) -> dict[str, str]:
        """Return the environment without the owner's address: what serves must not be able to alter tables."""
        return {name: value for name, value in self.environment.items() if name != "DATABASE_OWNER_URL"}

    def run_in_front(
        self, command: list[str], environment: dict[str, str], meanwhile: Callable[[], None] = lambda: None
    ) -> int:
        """Run ``command`` to its end with our output, doing ``meanwhile``; end it when we are asked to stop."""
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=CHECKOUT,
            start_new_session=True,
            preexec_fn=processes.dies_with_parent(signal.SIGKILL),
        )
        try:
            while process.poll() is None:
                meanwhile()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(LOOK_EVERY)
            return process.returncode
        finally:
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def start_processes(self) -> None:
        """Start the worker and the web server; the first started is the last stopped."""
        say("Starting the web server and the worker")
        for name in ("worker", "web"):
            self.start(name)

    def start(self, name: str) -> None:
        """Start one of the demo's processes, to be kept running."""
        self.children.append(self.launch(name, commands(self.environment)[name]))

    def launch(self, name: str, command: list[str]) -> processes.Child:
        """Start one process of the demo, its log in ``var/log``."""
        log = Places.of(self.var).logs / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        return processes.start(name, command, log=log, environment=self.application(), folder=CHECKOUT)

    def await_first_page(self) -> None:
        """Wait until the web server answers; raise `CannotStart` when it does not, or a process ends."""
        deadline = time.monotonic() + FIRST_PAGE
        while not answers(self.url):
            for child in self.children:
                if not child.is_alive:
                    raise CannotStart(f"the {child.name} ended at once; {child.log} ends:\n{child.last_words()}")
            if time.monotonic() > deadline:
                raise CannotStart(f"no page after {FIRST_PAGE:.0f} s; see {self.children[-1].log}.")
            self.ended.wait(0.1)

    def announce(self, seconds: float) -> None:
        """Show where it is and who can sign in."""
        say(f"\nCountersign is at {self.url}  (ready after {seconds:.0f} s)")
        say(f"Mail that it sends arrives at http://{ports.HOST}:{self.environment['DEMO_INBOX_PORT']}/")
        if "DEMO_PAYMENTS_PORT" in self.environment:
            say(f"Refunds reach a stand-in for Stripe, which moves no money: {paying_url(self.environment)}")
        with suppress(OSError):
            say((self.var / ANNOUNCED).read_text().rstrip())
        say(
            f"Logs: {Places.of(self.var).logs}.  Ctrl-C stops everything; the data stays. `make clean-demo` forgets it."
        )

    def play(self, story: list[str]) -> int:
        """Run ``story`` in front and keep the demo running; return its status."""
        return self.run_in_front(story, self.application(), self.revive)

    def watch(self) -> int:
        """Wait for the end and keep the demo running."""
        while True:
            self.ended.wait(LOOK_EVERY)
            self.revive()

    def revive(self) -> None:
        """Start again what has died, and give up on what cannot stay up."""
        for position, child in enumerate(self.children):
            if child.is_alive:
                continue
            status = child.process.returncode
            if time.monotonic() - child.since < TOO_EARLY:
                raise CannotStart(f"the {child.name} ended ({status}); {child.log} ends:\n{child.last_words()}")
            say(f"The {child.name} ended ({status}); starting it again ({child.log.with_suffix('.previous')})")
            child.stop()
            self.children[position] = self.launch(child.name, commands(self.environment)[child.name])

    def stop(self) -> None:
        """Stop the demo's processes, the last started first."""
        for child in reversed(self.children):
            child.stop()
        (self.var / "demo.json").unlink(missing_ok=True)


def commands(environment: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the demo's processes, each with its command, in the order in which they start."""
    python = [sys.executable, "-m"]
    mail = ["--smtp-port", environment["DEMO_SMTP_PORT"], "--http-port", environment["DEMO_INBOX_PORT"]]
    pay = ["--port", environment.get("DEMO_PAYMENTS_PORT", "0"), "--filled", "--lazily"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    page = ["--host", ports.HOST, "--port", environment["PORT"], "--lifespan", "off", "--no-server-header"]
    return {
        "mail": [*python, "config.demo.mail", *mail, "--folder", str(Path(environment["VAR_DIR"]) / "mail")],
        "payments": [*python, "config.demo.payments", *pay, "--folder", str(Path(environment["VAR_DIR"]) / "payments")],
        "worker": [*python, "celery", "-A", "config", "worker", "--pool", "threads", "--loglevel", "INFO", *quiet],
        "web": [*python, "uvicorn", "config.asgi:application", *page, "--timeout-graceful-shutdown", "3"],
    }


def has_payments() -> bool:
    """Return whether the stand-in for Stripe is installed; `make demo` installs it, a company does not."""
    return all(find_spec(name) is not None for name in ("localstripe", "aiohttp"))


def paying_url(environment: Mapping[str, str]) -> str:
    """Return where the stand-in for Stripe answers."""
    return f"http://{ports.HOST}:{environment['DEMO_PAYMENTS_PORT']}/"


def answers(url: str) -> bool:
    """Return whether a web server answers at ``url``, whatever it says."""
    try:
        urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - our own address
    except urllib.error.HTTPError as error:
        error.close()
        return error.code < 500
    except OSError:
        return False
    return True


def address_of(var: Path) -> str:
    """Return where the running demo of ``var`` is served."""
    with suppress(OSError, ValueError, KeyError):
        return str(json.loads((var / "demo.json").read_text())["url"])
    return "an address that it is about to announce"
