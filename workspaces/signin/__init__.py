"""How people prove who they are: second factors, single sign-on, and what slows guessing down.

What is known of django-allauth and django-axes is known here and in two operations, so that their next releases change
few files.
"""
