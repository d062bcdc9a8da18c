# The pages of the project: /diary for people who signed in, /open for everybody. docs/clients.md says what is added.
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.urls import path


@login_required
def diary(request):
    user = request.user
    return JsonResponse({"username": user.username, "email": user.email, "family_name": user.last_name})


# What a page has on which people can leave.
@login_required
def leave(request):
    field = f'<input type="hidden" name="csrfmiddlewaretoken" value="{get_token(request)}">'
    return HttpResponse(f'<form method="post" action="/oidc/logout/">{field}<button>Log out</button></form>')


urlpatterns = [path("diary", diary), path("leave", leave), path("open", lambda request: HttpResponse("/open"))]
