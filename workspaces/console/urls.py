"""The console pages of the workspaces floor."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from workspaces.console import components, sessions

app_name = "console"

urlpatterns = [
    path("sign-in/", sessions.SignIn.as_view(), name="sign-in"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("workspaces/switch/", sessions.switch_workspace, name="switch-workspace"),
    path("components/", components.index, name="components"),
    path("components/<slug:name>/", components.page, name="component-page"),
]
