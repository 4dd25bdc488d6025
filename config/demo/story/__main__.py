"""Plays the story; see the package."""

import sys

import django

if __name__ == "__main__":
    django.setup()
    from config.demo.story.play import play

    sys.exit(play())
