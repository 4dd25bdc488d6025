"""The two environments in which runs and connections are."""

from django.db import models


class Environment(models.TextChoices):
    SANDBOX = "sandbox", "Sandbox"
    LIVE = "live", "Live"
