"""Chapter: who can sign in, and who sees what."""

from config.demo import seed
from config.demo.story.scene import Scene

PAGES = ("inbox/", "runs/", "runs/new/", "agents/", "pauses/", "ledger/")


def signing_in(scene: Scene) -> None:
    """Everybody signs in and is who they say; whoever has not is sent to the sign-in."""
    report = scene.report
    for role in ("owner", "reviewer", "finance", "member"):
        me = getattr(scene, role).look("me/")["user"]
        report.check(f"The {role} signs in with a browser", me["name"], role.title())
    stranger = type(scene.anonymous)(str(scene.anonymous.http.base_url))
    refused = stranger.sign_in(seed.address("owner"), scene.cast.stranger_password)
    report.check(
        "A wrong password opens nothing",
        (refused.status_code, stranger.http.get("/api/v1/me/").status_code),
        (200, 401),
    )
    for page in PAGES:
        answer = scene.anonymous.http.get(f"/{page}")
        seen = f"{answer.status_code} {answer.headers.get('location', '')}"
        report.find(f"/{page} sends whoever has not signed in to the sign-in", "302 /sign-in/", seen)
    answer = scene.anonymous.http.get("/api/v1/runs/")
    report.check(
        "The API refuses whoever has no key, as a problem",
        (answer.status_code, answer.json()["code"]),
        (401, "unauthenticated"),
    )


def seeing(scene: Scene, run_id: str, request_id: str) -> None:
    """A member without rights and a stranger see nothing of a run and its requests."""
    for role in ("member", "stranger"):
        person = getattr(scene, role)
        lists = [len(person.rows(path)) for path in ("runs/", "requests/", "actions/", "agents/")]
        scene.report.check(f"The {role} sees no run, request, action or agent", lists, [0, 0, 0, 0])
        codes = [
            person.http.get(f"/api/v1/{path}").status_code for path in (f"runs/{run_id}/", f"requests/{request_id}/")
        ]
        scene.report.check(f"For the {role} the run and its request do not exist", codes, [404, 404])
    seen = [scene.member.http.get("/api/v1/events/").status_code, len(scene.owner.rows("events/")) > 0]
    scene.report.check("The ledger is the owner's to read, not the member's", seen, [403, True])


def pages(scene: Scene, run_id: str, request_id: str) -> None:
    """Every page of the story opens for the owner; for the member the run's and the request's do not exist."""
    agent = scene.owner.rows("agents/")[0]["name"]
    wanted = (*PAGES, f"runs/{run_id}/", f"requests/{request_id}/", f"agents/{agent}/")
    closed = [path for path in wanted if scene.owner.http.get(f"/{path}").status_code != 200]
    scene.report.check(f"The console's {len(wanted)} pages of this open for the owner; closed are", closed, [])
    codes = [scene.member.http.get(f"/{path}").status_code for path in (f"runs/{run_id}/", f"requests/{request_id}/")]
    scene.report.check("The run's and the request's page do not exist for the member", codes, [404, 404])
