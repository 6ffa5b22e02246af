"""Who a token stands for, while the service answers and while it does not."""

import threading
from dataclasses import replace

import pytest
import redis

from hokusai.accounts.models import Membership
from hokusai.web.external import directory as directories
from hokusai.web.external import shared
from hokusai.web.external.directory import STALE, Directory
from hokusai.web.external.policy import Policy
from hokusai.web.external.problems import IdentityUnknown
from hokusai.web.external.verdicts import Identity
from hokusai.web.problems import TooManyRequests
from tests.factories import MembershipFactory, ProjectFactory, UserFactory

pytestmark = pytest.mark.django_db
HERE = "192.0.2.1"
TOKEN = "opaque-token-of-somebody"
NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def member(service) -> Membership:
    """A member whose token the service knows."""
    membership = MembershipFactory(role="engineer")
    service.knows(TOKEN, **named(membership))
    return membership


def named(membership: Membership) -> dict:
    return {"username": membership.user.username, "project": membership.project.slug}


def made(service, **changes) -> Directory:
    """The directory of another process."""
    return Directory(replace(Policy(url=service.url, timeout_s=1.0), **changes))


def test_a_valid_token_is_asked_about_once(service, member):
    directory = made(service)
    known = [directory.identify(TOKEN, HERE) for _ in range(3)]
    assert {one.identity.user_id for one in known} == {member.user_id}
    assert not any(one.stale for one in known)
    assert service.asked == {TOKEN: 1}


def test_other_processes_know_it_through_redis(service, member):
    made(service).identify(TOKEN, HERE)
    assert made(service).identify(TOKEN, HERE).identity.project_id == member.project_id
    assert service.total == 1


def test_the_token_itself_is_kept_nowhere(service, member, redis_server):
    made(service).identify(TOKEN, HERE)
    names = redis_server.keys("*")
    values = [redis_server.get(name) for name in names]
    assert names
    assert not any(TOKEN.encode() in text for text in names + values)


@pytest.mark.parametrize(
    "changes",
    [
        {"active": False},
        {"username": "nobody-here"},
        {"project": "no-such-project"},
        {"exp": 1},
    ],
    ids=["inactive", "unknown person", "unknown project", "ended"],
)
def test_a_token_of_nobody_here_is_refused_and_not_asked_about_again(service, member, changes):
    service.answers[TOKEN] |= changes
    directory = made(service)
    assert [directory.identify(TOKEN, HERE) for _ in range(3)] == [None, None, None]
    assert service.total == 1


def test_membership_and_activity_count_not_what_the_service_says(service, member):
    outsider, gone = UserFactory(), UserFactory(is_active=False)
    MembershipFactory(project=member.project, user=gone)
    for user in (outsider, gone):
        service.knows(user.username, username=user.username, project=member.project.slug)
        assert made(service).identify(user.username, HERE) is None


def test_tokens_made_up_evict_no_good_one_and_leave_no_trace(service, member, redis_server):
    directory = made(service, denied_max=5, kept_max=5, asks_per_minute=1000)
    directory.identify(TOKEN, HERE)
    before = set(redis_server.keys("ext:token:*"))
    for number in range(20):
        assert directory.identify(f"made-up-{number}", HERE) is None
    assert len(directory._denied) == 5
    assert directory.identify(TOKEN, HERE) is not None
    assert service.asked[TOKEN] == 1
    assert set(redis_server.keys("ext:token:*")) == before


def test_an_address_brings_so_many_unknown_tokens_and_no_more(service, member):
    directory = made(service, asks_per_minute=3)
    directory.identify(TOKEN, HERE)
    # The minute may end once in between.
    with pytest.raises(TooManyRequests) as refused:
        for number in range(8):
            directory.identify(f"made-up-{number}", HERE)
    assert 0 < refused.value.context["retry_after_s"] <= 60
    assert directory.identify(TOKEN, HERE) is not None
    assert directory.identify("made-up-elsewhere", "192.0.2.2") is None


@pytest.mark.parametrize("status", [500, 503, 401, 302])
def test_an_error_denies_nobody_and_lets_in_nobody_new(service, member, status):
    directory = made(service)
    service.status = status
    with pytest.raises(IdentityUnknown):
        directory.identify(TOKEN, HERE)
    service.status = 200
    assert directory.identify(TOKEN, HERE).identity.user_id == member.user_id


def test_who_was_valid_stays_so_while_the_service_fails(service, member, clock):
    directory = made(service)
    directory.identify(TOKEN, HERE)
    service.status = 500
    clock.forward(61)
    before = STALE._value.get()
    known = directory.identify(TOKEN, HERE)
    assert (known.stale, known.identity.user_id) == (True, member.user_id)
    assert STALE._value.get() == before + 1


def test_who_was_valid_stays_so_while_the_service_is_slow(service, member, clock):
    directory = made(service, timeout_s=0.05)
    made(service).identify(TOKEN, HERE)
    service.answering.clear()
    clock.forward(61)
    assert directory.identify(TOKEN, HERE).stale
    with pytest.raises(IdentityUnknown):
        directory.identify("another", HERE)


def test_who_was_valid_stays_so_while_nobody_listens(service, member, clock):
    made(service).identify(TOKEN, HERE)
    clock.forward(61)
    directory = made(service, url="http://127.0.0.1:1/introspect")
    assert directory.identify(TOKEN, HERE).stale


def test_silence_carries_nobody_further_than_five_minutes(service, member, clock):
    directory = made(service)
    directory.identify(TOKEN, HERE)
    service.status = 500
    clock.forward(359)
    assert directory.identify(TOKEN, HERE).stale
    clock.forward(2)
    with pytest.raises(IdentityUnknown):
        directory.identify(TOKEN, HERE)


def test_silence_carries_nobody_past_the_end_of_the_token(service, member, clock):
    service.answers[TOKEN]["exp"] = clock.time() + 90
    directory = made(service)
    directory.identify(TOKEN, HERE)
    service.status = 500
    clock.forward(89)
    assert directory.identify(TOKEN, HERE).stale
    clock.forward(2)
    with pytest.raises(IdentityUnknown):
        directory.identify(TOKEN, HERE)


def test_silence_carries_nobody_past_what_the_service_said_was_revoked(service, member, clock):
    directory = made(service)
    directory.identify(TOKEN, HERE)
    shared.raise_epoch()
    service.status = 500
    with pytest.raises(IdentityUnknown):
        directory.identify(TOKEN, HERE)


def test_a_token_that_ends_is_asked_about_again_at_its_end(service, member, clock):
    service.answers[TOKEN]["exp"] = clock.time() + 30
    directory = made(service)
    assert directory.identify(TOKEN, HERE) is not None
    service.answers[TOKEN] = {"active": False}
    clock.forward(31)
    assert directory.identify(TOKEN, HERE) is None


def test_a_revoked_token_is_refused_within_a_minute(service, member, clock):
    directory = made(service)
    directory.identify(TOKEN, HERE)
    service.answers[TOKEN] = {"active": False}
    clock.forward(61)
    assert directory.identify(TOKEN, HERE) is None


def test_a_revoked_token_is_refused_at_once_where_the_service_says_so(service, member):
    directories = [made(service), made(service)]
    for directory in directories:
        directory.identify(TOKEN, HERE)
    service.answers[TOKEN] = {"active": False}
    shared.raise_epoch()
    assert [directory.identify(TOKEN, HERE) for directory in directories] == [None, None]


def test_a_good_token_survives_a_raised_epoch(service, member):
    directory = made(service)
    directory.identify(TOKEN, HERE)
    shared.raise_epoch()
    assert [directory.identify(TOKEN, HERE).stale for _ in range(2)] == [False, False]
    assert service.total == 2


def test_many_threads_ask_once(service, monkeypatch):
    def somebody(verdict, *, asked_at, epoch) -> Identity:
        return Identity("ext_1", "s", 1, 1, verdict.scopes, frozenset(), None, asked_at, epoch)

    monkeypatch.setattr(directories, "identity_of", somebody)
    service.knows(TOKEN, username="u", project="p")
    service.answering.clear()
    directory, found = made(service, timeout_s=5.0, asks_per_minute=1000), []
    threads = [
        threading.Thread(target=lambda: found.append(directory.identify(TOKEN, HERE)))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    while not service.total:
        threading.Event().wait(0.005)
    service.answering.set()
    for thread in threads:
        thread.join(10)
    assert [one.identity.user_id for one in found] == [1] * 20
    assert service.asked == {TOKEN: 1}


def test_a_service_that_keeps_failing_is_left_alone_then_tried_by_one(service, member, monkeypatch):
    directory = made(service, failures=3, pause_s=100.0)
    service.status = 500
    for _ in range(6):
        with pytest.raises(IdentityUnknown):
            directory.identify(TOKEN, HERE)
    assert service.total == 3
    monkeypatch.setattr(directory.breaker, "_shut_until", 0.0)
    service.status = 200
    assert directory.identify(TOKEN, HERE) is not None
    assert (service.total, directory.breaker.shut) == (4, False)


def test_an_identity_is_asked_for_again_before_it_ends_and_nobody_waits(service, member, clock):
    directory = made(service)
    first = directory.identify(TOKEN, HERE)
    clock.forward(58)
    assert directory.identify(TOKEN, HERE) == first
    landed(directory)
    again = directory.identify(TOKEN, HERE)
    assert again.identity.asked_at == first.identity.asked_at + 58
    assert service.total == 2


def test_what_is_heard_ahead_of_time_ends_an_identity(service, member, clock):
    directory = made(service)
    directory.identify(TOKEN, HERE)
    service.answers[TOKEN] = {"active": False}
    clock.forward(58)
    assert directory.identify(TOKEN, HERE) is not None
    landed(directory)
    assert directory.identify(TOKEN, HERE) is None
    assert made(service).identify(TOKEN, HERE) is None


def landed(directory: Directory) -> None:
    """Wait until no question is under way."""
    pause = threading.Event()
    while directory._flights._open or not len(directory._refreshed):
        pause.wait(0.005)


def test_membership_is_looked_at_again_with_each_answer(service, member, clock):
    directory = made(service)
    directory.identify(TOKEN, HERE)
    Membership.objects.all().delete()
    clock.forward(61)
    assert directory.identify(TOKEN, HERE) is None


def test_without_redis_each_process_asks_for_itself(service, member, settings):
    settings.REDIS_URL = NOWHERE
    one, other = made(service), made(service)
    assert [one.identify(TOKEN, HERE).stale for _ in range(2)] == [False, False]
    assert other.identify(TOKEN, HERE) is not None
    assert service.total == 2


def test_an_answer_from_before_redis_came_back_is_asked_for_again(service, member, settings):
    url, directory = settings.REDIS_URL, made(service)
    settings.REDIS_URL = NOWHERE
    directory.identify(TOKEN, HERE)
    settings.REDIS_URL = url
    directory.identify(TOKEN, HERE)
    assert service.total == 2


def test_whoever_writes_is_asked_about_anew(service, member, clock):
    directory = made(service)
    known = directory.identify(TOKEN, HERE)
    assert directory.confirm(TOKEN, HERE, known) is known
    clock.forward(6)
    assert directory.confirm(TOKEN, HERE, known).identity.asked_at == clock.time()
    assert service.total == 2
    service.answers[TOKEN] = {"active": False}
    clock.forward(6)
    assert directory.confirm(TOKEN, HERE, known) is None


def test_nobody_writes_while_the_service_does_not_answer(service, member, clock):
    directory = made(service, failures=1)
    known = directory.identify(TOKEN, HERE)
    service.status = 500
    clock.forward(6)
    with pytest.raises(IdentityUnknown):
        directory.confirm(TOKEN, HERE, known)
    young = replace(known, identity=replace(known.identity, asked_at=clock.time()))
    assert directory.breaker.shut
    with pytest.raises(IdentityUnknown):
        directory.confirm(TOKEN, HERE, young)


def test_one_person_has_one_id_whatever_the_token(service, member):
    service.knows("second", **named(member), sub=f"subject-{len(TOKEN)}")
    service.knows("other", **named(member))
    directory = made(service)
    ids = [directory.identify(name, HERE).identity.public_id for name in (TOKEN, "second", "other")]
    assert ids[0] == ids[1] != ids[2]


def test_of_a_foreign_project_the_token_says_which(service):
    user = UserFactory()
    places = [ProjectFactory(), ProjectFactory()]
    for place in places:
        MembershipFactory(project=place, user=user)
        service.knows(place.slug, username=user.username, project=place.slug)
    directory = made(service)
    found = [directory.identify(place.slug, HERE).identity.project_id for place in places]
    assert found == [place.pk for place in places]


def test_redis_that_hangs_up_is_no_reason_to_refuse(service, member, redis_server):
    directory = made(service)
    directory.identify(TOKEN, HERE)
    redis_server.client_kill_filter(_type="normal", skipme=True)
    assert directory.identify(TOKEN, HERE) is not None
    assert isinstance(redis_server, redis.Redis)
