from hokusai.console.admin.keys import ApiKeyAdmin, InvitationAdmin
from hokusai.console.admin.messages import MessageAdmin
from hokusai.console.admin.notify import WebhookAdmin
from hokusai.console.admin.operations import DeliveryAdmin, EventAdmin, JobAdmin
from hokusai.console.admin.projects import MembershipAdmin, ProjectAdmin
from hokusai.console.admin.users import UserAdmin
from hokusai.console.admin.webhook_deliveries import WebhookDeliveryAdmin

__all__ = [
    "ApiKeyAdmin",
    "DeliveryAdmin",
    "EventAdmin",
    "InvitationAdmin",
    "JobAdmin",
    "MembershipAdmin",
    "MessageAdmin",
    "ProjectAdmin",
    "UserAdmin",
    "WebhookAdmin",
    "WebhookDeliveryAdmin",
]
