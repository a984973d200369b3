import sys

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.wsgi import get_wsgi_application
from django.urls import path
from django.views.debug import technical_500_response

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="of the lab only")


def fail(request):
    raise RuntimeError("made to fail")


def suspicious(request):
    raise SuspiciousOperation("made to fail")


def debug(request):
    try:
        fail(request)
    except RuntimeError:
        return technical_500_response(request, *sys.exc_info())


urlpatterns = [path("fail", fail), path("suspicious", suspicious), path("debug", debug)]
application = get_wsgi_application()
