"""The console pages of the workspaces floor."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from workspaces.console import components, factors, sessions, single_sign_on

app_name = "console"

urlpatterns = [
    path("sign-in/", sessions.SignIn.as_view(), name="sign-in"),
    path("sign-in/code/", sessions.enter_code, name="sign-in-code"),
    path("sign-in/with/", single_sign_on.leave, name="single-sign-on"),
    path("sign-in/with/back/", single_sign_on.come_back, name="single-sign-on-back"),
    path("second-factor/", factors.second_factor, name="second-factor"),
    path("second-factor/codes/", factors.renew_codes, name="recovery-codes"),
    path("second-factor/remove/", factors.remove, name="second-factor-remove"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("workspaces/switch/", sessions.switch_workspace, name="switch-workspace"),
    path("components/", components.index, name="components"),
    path("components/<slug:name>/", components.page, name="component-page"),
]
