"""The ASGI application that uvicorn serves; it does not start on settings that are not safe."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_asgi_application()

from django.conf import settings  # noqa: E402 - the registry is ready only now

from config.bodies import CappedBodies  # noqa: E402
from config.checks import refuse_to_serve  # noqa: E402

refuse_to_serve()
files = dict.fromkeys(settings.FILES_ARE_SENT_TO, settings.KNOWLEDGE_UPLOAD_BYTES)
application = CappedBodies(django_application, settings.DATA_UPLOAD_MAX_MEMORY_SIZE, files)
