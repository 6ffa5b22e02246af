import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

import hokusai.celery  # noqa: F401  (shared tasks bind to this app)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hokusai.settings.local")
application = get_wsgi_application()
# A worker whose routes cannot be imported ends here and is replaced; it answers no request by 500.
get_resolver().url_patterns  # noqa: B018
