from collections.abc import Iterator

import pytest

from hokusai.notify.models import WebhookDelivery
from tests.factories import WebhookDeliveryFactory, WebhookFactory
from tests.hokusai.core.conftest import Doorbell
from tests.hokusai.notify.receiver import Receiver, listening


@pytest.fixture(autouse=True)
def doorbell(monkeypatch: pytest.MonkeyPatch) -> Doorbell:
    """Tasks are noted, never sent: a test runs what it is about."""
    bell = Doorbell()
    monkeypatch.setattr("hokusai.core.doorbell.ring", bell)
    return bell


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as found:
        yield found


@pytest.fixture
def delivery(receiver: Receiver) -> WebhookDelivery:
    """A message that is due, to the receiver of this test."""
    return WebhookDeliveryFactory(webhook=WebhookFactory(url=receiver.url))
