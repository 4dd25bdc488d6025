"""The ASGI application that uvicorn serves; it does not start on settings that are not safe."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_asgi_application()

from config.checks import refuse_to_serve  # noqa: E402 - the registry is ready only now

refuse_to_serve()
