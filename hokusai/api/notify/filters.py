import django_filters

from hokusai.core.choices import WorkStatus
from hokusai.notify.choices import Topic
from hokusai.notify.models import Webhook, WebhookDelivery


class WebhookFilter(django_filters.FilterSet):
    project = django_filters.CharFilter(field_name="project__slug")

    class Meta:
        model = Webhook
        fields = ("project", "active")


class WebhookDeliveryFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=WorkStatus.choices)
    type = django_filters.CharFilter(help_text=f"webhook.test, or one of {', '.join(Topic.values)}")

    class Meta:
        model = WebhookDelivery
        fields = ("status", "type")
