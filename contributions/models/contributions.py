from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from contributions.choices import ContributionStatus, Licence
from contributions.querysets import ContributionQuerySet
from hokusai.accounts.models import Project
from hokusai.core.fields import DIGEST, known_values, public_id_field
from hokusai.core.models import Job
from hokusai.core.states import moved
from registry.models import DatasetVersion, Model


class Contributor(models.Model):
    """A person who gives data; counts once, whatever the number of wallets."""

    public_id = public_id_field("cbr")
    name = models.CharField(max_length=200, blank=True)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="contributor",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.name or self.public_id


class Wallet(models.Model):
    """An Ethereum address to which credit is written."""

    contributor = models.ForeignKey(Contributor, on_delete=models.PROTECT, related_name="wallets")
    address = models.CharField(max_length=42, unique=True, help_text="EIP-55")
    verified_at = models.DateTimeField(
        null=True, editable=False, help_text="when ownership was proven by a signature"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.address


class Contribution(models.Model):
    """One dataset version that a person gave under a licence."""

    public_id = public_id_field("ctr")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="contributions")
    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="contributions")
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="contributions")
    dataset_version = models.OneToOneField(
        DatasetVersion, on_delete=models.PROTECT, related_name="contribution"
    )
    licence = models.CharField(max_length=20, choices=Licence)
    note = models.TextField(blank=True)
    status = models.CharField(
        max_length=10,
        choices=ContributionStatus,
        default=ContributionStatus.RECEIVED,
        editable=False,
    )
    reasons = models.JSONField(default=list, editable=False, help_text="code and message of each")
    disclosure_root = models.CharField(
        max_length=DIGEST, blank=True, editable=False, help_text="root of the salted rows"
    )
    disclosure_secret = models.CharField(
        max_length=DIGEST, blank=True, editable=False, help_text="what the salts are made from"
    )
    job = models.ForeignKey(Job, on_delete=models.PROTECT, null=True, related_name="+")
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="contributions"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ContributionQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            known_values("status", ContributionStatus, "contribution_status_known"),
            known_values("licence", Licence, "contribution_licence_known"),
        )

    def __str__(self) -> str:
        return f"{self.dataset_version} from {self.wallet}"

    def move_to(self, target: ContributionStatus) -> None:
        """Set the status without saving. Raises InvalidTransition when not allowed."""
        self.status = moved(ContributionStatus(self.status), target, "contribution")
