from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from hokusai.accounts.choices import Role, Scope, Visibility
from hokusai.accounts.credentials import Credential
from hokusai.accounts.querysets import ApiKeyQuerySet, ProjectQuerySet, ScopedQuerySet
from hokusai.core.fields import known_values, public_id_field, slug_field


class User(AbstractUser):
    """A person who logs in."""

    public_id = public_id_field("usr")

    class Meta:
        ordering = ("username",)


class Project(models.Model):
    """A team's space; everything but people, contributors and keys belongs to one."""

    public_id = public_id_field("prj")
    slug = slug_field(unique=True)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    visibility = models.CharField(
        max_length=10, choices=Visibility, default=Visibility.PRIVATE, help_text="who may see it"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    members = models.ManyToManyField(User, through="Membership", related_name="projects")

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ("slug",)
        constraints = (known_values("visibility", Visibility, "project_visibility_known"),)

    def __str__(self) -> str:
        return self.name

    @property
    def project(self) -> "Project":
        """Itself, so that permissions ask every object the same question."""
        return self


class Membership(models.Model):
    """One person's role in one project."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ("project_id", "user_id")
        constraints = (
            known_values("role", Role, "membership_role_known"),
            models.UniqueConstraint(fields=["project", "user"], name="membership_once"),
        )

    def __str__(self) -> str:
        return f"{self.user} as {self.role}"


class Invitation(models.Model):
    """An offer of a role to whoever holds the token that was shown once."""

    public_id = public_id_field("inv")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="invitations")
    email = models.EmailField(help_text="for whom; the token decides")
    role = models.CharField(max_length=12, choices=Role)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    accepted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (known_values("role", Role, "invitation_role_known"),)

    def __str__(self) -> str:
        return f"{self.email} as {self.role}"


def default_scopes() -> list[str]:
    """A key that only reads, unless asked for more."""
    return [Scope.READ.value]


class ApiKey(Credential, models.Model):
    """A program's way in: shown once, stored as a keyed hash, bound to one project."""

    public_id = public_id_field("key")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="api_keys")
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, db_index=True, editable=False)
    secret_hash = models.BinaryField(max_length=32, unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=10, choices=Scope), default=default_scopes)
    model_ids = ArrayField(
        models.CharField(max_length=127),
        default=list,
        blank=True,
        help_text="model ids that it may be used for; none: every model of its project",
    )
    rate_per_minute = models.PositiveIntegerField(default=6000, help_text="requests per minute")
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
