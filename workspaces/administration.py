"""The frame of the admin: configuration through the product's own operations, and the machine's tables to read.

Whoever has ``is_staff`` may enter. Which rows they see is decided by the workspaces that they own, for superusers too.
A page that changes something calls one operation with the person as ``by``; nothing is saved around it. What the
operation refuses is said in the form, in its own words.
"""

from collections.abc import Callable, Iterable
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django.contrib import admin, messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator

from workspaces.admin_forms import OperationForm, choices_for, owned, person
from workspaces.errors import DomainError, Forbidden
from workspaces.models import User, Workspace
from workspaces.operations import teams

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class Site(admin.AdminSite):
    """Configuration for staff; signing in and out is the console's."""

    site_title = site_header = "Countersign"
    index_title = "Configuration and records"

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return isinstance(user, User) and user.is_active and user.is_staff and not user.is_service

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        """Refuse whoever is signed in and no member of staff, instead of asking them to sign in again."""
        inner: Callable[..., Any] = super().admin_view(view, cacheable)

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if request.user.is_authenticated and not self.has_permission(request):
                raise Forbidden("The admin is for staff.", "Ask whoever runs this installation.")
            return inner(request, *args, **kwargs)

        return update_wrapper(guarded, inner)

    @method_decorator(login_not_required)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Send people on: the console signs them in."""
        index = reverse("admin:index", current_app=self.name)
        if not request.user.is_authenticated:
            return redirect_to_login(request.GET.get(REDIRECT_FIELD_NAME, index))
        return self.admin_view(lambda _: HttpResponseRedirect(index))(request)

    def get_urls(self) -> list[Any]:
        return [url for url in super().get_urls() if getattr(url, "name", "") != "view_on_site"]


site = Site(name="admin")
site.disable_action("delete_selected")


class OwnWorkspace(admin.SimpleListFilter):
    """Narrow a list to one of the person's workspaces."""

    title = "workspace"
    parameter_name = "workspace"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        found = Workspace.objects.filter(pk__in=owned(request)).order_by("name")
        self.path = model_admin.workspace_path
        return [(str(one.pk), one.name) for one in found]

    def queryset(self, request: HttpRequest, queryset: "models.QuerySet[Any]") -> "models.QuerySet[Any]":
        chosen = {key for key, _ in self.lookup_choices} & {self.value()}
        return queryset.filter(**{f"{self.path}__in": chosen}) if chosen else queryset


class Records(ModelAdmin):
    """Rows to read: those of the workspaces that the person owns. Foreign and absent ids are both 404."""

    workspace_path = "workspace"
    actions: Any = None
    ordering: ClassVar[Any] = ("-pk",)
    list_filter: ClassVar[Any] = (OwnWorkspace,)
    list_per_page = 50
    show_full_result_count = False
    view_on_site = False

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[Any]":
        return super().get_queryset(request).filter(**{f"{self.workspace_path}__in": owned(request)})

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(owned(request))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(owned(request))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Let addresses filter by the filters that are shown and by nothing else."""
        shown = {getattr(one, "parameter_name", one) for one in self.list_filter}
        return lookup.split("__")[0] in shown

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> Any:
        raise Http404(f"There is no such {opts.verbose_name}.")

    def each(self, request: HttpRequest, rows: Iterable[Any], do: Callable[[Any], object], done: str) -> None:
        """Let an action do something to each chosen row, and tell what became of each."""
        for row in rows:
            try:
                do(row)
            except DomainError as refusal:
                self.message_user(request, f"{row}: {refusal.message} {refusal.hint}", messages.ERROR)
            else:
                self.message_user(request, f"{row}: {done}")


class Setup(Records):
    """Rows that people set up, each by an operation: ``perform`` creates or changes, ``remove`` takes away."""

    form = OperationForm
    fixed: tuple[str, ...] = ()
    """Fields that are chosen once and shown afterwards."""
    changeable = True
    removable = False

    def perform(self, *, by: User, data: dict[str, Any], before: Any) -> models.Model:
        """Call the operation that creates a row, or changes the row ``before``, and return the row."""
        raise ImproperlyConfigured(f"{type(self).__name__} names no operation.")

    def ahead(self, request: HttpRequest) -> None:
        """Do what takes long for a new row, before the transaction begins; what is raised is said in the form."""

    def remove(self, *, by: User, row: Any) -> None:
        """Call the operation that takes ``row`` away."""
        raise ImproperlyConfigured(f"{type(self).__name__} names no operation that removes.")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(owned(request))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.changeable and bool(owned(request))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.removable and bool(owned(request))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*super().get_readonly_fields(request, obj), *(self.fixed if obj is not None else ()))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        refusal = getattr(request, "refusal", None)
        return type(form)(form.__name__, (form,), {"request": request, "refusal": refusal, "__module__": __name__})

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = choices_for(request, db_field.related_model)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Show the form again with what the operation refused; by then everything has been undone."""
        if request.method == "POST" and object_id is None and self.has_add_permission(request):
            try:
                self.ahead(request)
            except DomainError as refusal:
                cast(Any, request).refusal = refusal
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except DomainError as refusal:
            if request.method != "POST":
                raise
            cast(Any, request).refusal = refusal
            return super().changeform_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Call the operation with what the person changed; a form in which nothing was changed calls none.

        A field that they left alone keeps what somebody else may have saved while the form was open.
        """
        if change and not form.changed_data:
            return
        before = self.get_queryset(request).get(pk=obj.pk) if change else None
        data = form.cleaned_data if before is None else form.cleaned_data | _left_alone(form, before)
        made = self.perform(by=person(request), data=data, before=before)
        obj.__dict__.update(made.__dict__)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.remove(by=person(request), row=obj)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        try:
            return super().delete_view(request, object_id, extra_context)
        except DomainError as refusal:
            self.message_user(request, f"{refusal.message} {refusal.hint}", messages.ERROR)
            name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
            return HttpResponseRedirect(reverse(name, args=[object_id]))


def _left_alone(form: Any, row: models.Model) -> dict[str, Any]:
    """Return, of the columns that the form shows, those that nobody typed in, as the row has them now."""
    columns = {field.name for field in row._meta.concrete_fields} & set(form.cleaned_data)
    return {name: getattr(row, name) for name in columns - set(form.changed_data)}


class GrantSetup(Setup):
    """A team's rights on single rows; ``target`` names what kind of row. A right is given or taken, never changed."""

    workspace_path = "content_object__workspace"
    changeable = False
    removable = True
    list_display = ("team", "right", "content_object")
    list_select_related = ("group__team", "permission__content_type", "content_object")
    fields = ("content_object", "team", "right")

    @admin.display(description="team")
    def team(self, row: Any) -> str:
        return str(row.group.team)

    @admin.display(description="right")
    def right(self, row: Any) -> str:
        return str(row.permission.codename)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj is None else self.list_display

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else self.list_display

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **({} if obj is None else {"form": OperationForm, "fields": []}))

    def perform(self, *, by: User, data: dict[str, Any], before: Any) -> models.Model:
        target, team, codename = data["content_object"], data["team"], data["right"]
        teams.grant(team=team, codename=codename, target=target, by=by)
        made: models.Model = self.model._default_manager.get(
            content_object=target, group=team.group_id, permission__codename=codename
        )
        return made

    def remove(self, *, by: User, row: Any) -> None:
        teams.revoke(team=row.group.team, codename=row.permission.codename, target=row.content_object, by=by)
