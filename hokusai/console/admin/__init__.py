from hokusai.console.admin.keys import ApiKeyAdmin, InvitationAdmin
from hokusai.console.admin.operations import DeliveryAdmin, EventAdmin, JobAdmin
from hokusai.console.admin.projects import MembershipAdmin, ProjectAdmin
from hokusai.console.admin.users import UserAdmin

__all__ = [
    "ApiKeyAdmin",
    "DeliveryAdmin",
    "EventAdmin",
    "InvitationAdmin",
    "JobAdmin",
    "MembershipAdmin",
    "ProjectAdmin",
    "UserAdmin",
]
