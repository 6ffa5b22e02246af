import os

from django.core.wsgi import get_wsgi_application

import hokusai.celery  # noqa: F401  (shared tasks bind to this app)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hokusai.settings.local")
application = get_wsgi_application()
