"""What keeps the services from starting, in the sentence that the person at the terminal reads."""


class CannotStart(Exception):
    """The services or the demo cannot start; the message says why and what to do."""
