"""People and service accounts."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac

from workspaces.ids import uuid7
from workspaces.models.base import Row


class UserManager(BaseUserManager["User"]):
    """Makes people and service accounts; e-mail addresses are compared without case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a person, with no usable password where none is given."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create somebody who may use every page of the admin. Requests and the API give them nothing extra."""
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True, **fields})

    def create_service(self, *, name: str, owner: "User") -> "User":
        """Create a service account, which acts only through API keys and for which ``owner`` answers."""
        user = self.model(email=f"{name}.{uuid7()}@service.invalid".lower(), name=name, owner=owner, is_service=True)
        user.set_unusable_password()
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())


class User(Row, AbstractBaseUser, PermissionsMixin):
    """Somebody who acts: a person, or a service account with an owner."""

    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    is_service = models.BooleanField(default=False)
    owner = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="service_accounts")
    session_epoch = models.PositiveIntegerField(default=0, editable=False)
    """Counted up to end all of the person's sessions for good, whatever becomes of the account later."""
    created_at = models.DateTimeField(auto_now_add=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="user_email_lower_case"),
            models.CheckConstraint(
                condition=models.Q(is_service=True, owner__isnull=False)
                | models.Q(is_service=False, owner__isnull=True),
                name="user_service_has_owner",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Return what a session has to carry; sessions from before the first count stay what they were."""
        known: str = super()._get_session_auth_hash(secret=secret)  # type: ignore[misc]  # not in the stubs
        if not self.session_epoch:
            return known
        return salted_hmac(f"sessions {self.session_epoch}", known, secret=secret, algorithm="sha256").hexdigest()

    @property
    def person_id(self) -> UUID:
        """The person behind this account: a service account counts as the one who answers for it."""
        return self.owner_id or self.id

    def cause_ids(self) -> list[str]:
        """Return the ids of everybody who answers for what this account starts (DESIGN invariant 12).

        That is the account itself and, for a service account, its owner and whoever made one of its keys.
        """
        people = {str(self.id)}
        if self.is_service:
            people.add(str(self.owner_id))
            people.update(str(key.created_by_id) for key in self.api_keys.all())
        return sorted(people)
