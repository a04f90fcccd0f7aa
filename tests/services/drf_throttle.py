"""A claim counted by the throttle of Django REST framework: so many a day and intake, on Django's cache.

The throttle reads a list from the cache, appends to it and writes it back, so two at once may both be let in.
"""

import django
from django.conf import settings

from tests.services.serving import options, serve

told = options(__doc__)
settings.configure(
    SECRET_KEY="for a test on loopback",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    INSTALLED_APPS=["rest_framework"],
    CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_PERMISSION_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_THROTTLE_RATES": {"claims": f"{told.cap}/day"},
        "UNAUTHENTICATED_USER": None,
    },
)
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.throttling import SimpleRateThrottle  # noqa: E402
from rest_framework.views import APIView  # noqa: E402


class OneCap(SimpleRateThrottle):
    """One count for all applicants of an intake."""

    scope = "claims"

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return f"claims-{view.kwargs['intake']}"


class Claims(APIView):
    """The claims of an intake; one that gets past the throttle is granted."""

    def get_throttles(self) -> list[OneCap]:
        return [OneCap()] if self.request.method == "POST" else []

    def post(self, request: Request, intake: str) -> Response:
        return Response({"applicant": request.data["applicant"], "intake": intake}, status=201)

    def get(self, request: Request, intake: str) -> Response:
        throttle = OneCap()
        used = len(throttle.cache.get(throttle.get_cache_key(request, self), []))
        return Response({"cap": throttle.num_requests, "used": used})


urlpatterns = [path("intakes/<str:intake>/claims/", Claims.as_view())]

if __name__ == "__main__":
    serve(get_wsgi_application(), told.port)
