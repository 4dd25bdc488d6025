"""The shared cast, built only by the operations that the product itself uses."""

from dataclasses import dataclass

from workspaces.actors import System
from workspaces.models import Role, Team, User, Workspace
from workspaces.operations import keys, people, teams

SETUP = System("setup")
PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Cast:
    """Everybody, named by role. ``stranger`` owns ``elsewhere``; the others belong to ``workspace``."""

    workspace: Workspace
    elsewhere: Workspace
    owner: User
    reviewer: User
    finance: User
    member: User
    stranger: User
    disabled: User
    service: User
    service_key: str
    reviewers: Team
    financiers: Team
    operators: Team

    def __getitem__(self, name: str) -> User:
        found: User = getattr(self, name)
        return found


def make_person(name: str, workspace: Workspace | None = None, role: str = Role.MEMBER) -> User:
    """Create a person who signs in as ``name@example.com``, in ``workspace`` where one is given."""
    person = User.objects.create_user(f"{name}@example.com", PASSWORD, name=name.title())
    if workspace is not None:
        people.add_member(workspace=workspace, user=person, role=role, by=SETUP)
    return person


def make_team(workspace: Workspace, name: str, *members: User) -> Team:
    """Create a team of ``members`` without any rights."""
    team = teams.create_team(workspace=workspace, name=name, by=SETUP)
    for person in members:
        teams.add_to_team(team=team, user=person, by=SETUP)
    return team


def make_cast() -> Cast:
    """Create two workspaces and everybody in them; rights on agents and queues are granted by whoever makes those."""
    owner, stranger = make_person("owner"), make_person("stranger")
    workspace = people.create_workspace(name="Here", by=SETUP, owner=owner)
    elsewhere = people.create_workspace(name="Elsewhere", by=SETUP, owner=stranger)
    reviewer, finance, member = (make_person(name, workspace) for name in ("reviewer", "finance", "member"))
    disabled = make_person("disabled", workspace)
    service = keys.create_service_account(workspace=workspace, name="desk", owner=owner, by=owner)
    issued = keys.issue_key(workspace=workspace, account=service, name="tests", by=owner)
    reviewers = make_team(workspace, "Reviewers", reviewer, disabled)
    financiers = make_team(workspace, "Finance", finance)
    operators = make_team(workspace, "Operators", service)
    people.disable_user(user=disabled, by=SETUP)
    return Cast(
        workspace=workspace,
        elsewhere=elsewhere,
        owner=owner,
        reviewer=reviewer,
        finance=finance,
        member=member,
        stranger=stranger,
        disabled=disabled,
        service=service,
        service_key=issued.text,
        reviewers=reviewers,
        financiers=financiers,
        operators=operators,
    )
