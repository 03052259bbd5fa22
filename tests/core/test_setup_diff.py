"""Two setups are compared value by value: things by their names, secrets only by whether they are the same."""

from typing import Any

import pytest
from msgspec.structs import replace

from cordpair.core.hours import Hours
from cordpair.core.ids import QueueId, RegistrationId, TenantId
from cordpair.core.need import Membership
from cordpair.core.setup_diff import Change, Difference, differences, same_setup
from cordpair.core.setup_secrets import STORED, keeping_secrets, secrets_of, without_secrets
from cordpair.core.tenant import AgentSetup, CrmSetup, Disposition, Queue, Registration, TenantSetup
from cordpair.errors import Rejected
from tests.core.people import ANA, BEN

SALES, TAXES = QueueId("sales"), QueueId("taxes")
SETUP = TenantSetup(
    id=TenantId("t"),
    name="Verband",
    registration=Registration(
        id=RegistrationId("r"), tenant=TenantId("t"), client_id="c", client_secret="secret", bot_id="b"
    ),
    queues=(
        Queue(
            id=SALES, name="Sales", resource_account="r1", dispositions=(Disposition(id="done", en="Done", de="Da"),)
        ),
        Queue(id=TAXES, name="Taxes", resource_account="r2"),
    ),
    agents=(
        AgentSetup(id=ANA, name="Ana", queues=(SALES, TAXES), skills=frozenset({"de"})),
        AgentSetup(id=BEN, name="Ben", queues=(SALES,)),
    ),
    crm=CrmSetup(connector="imis", settings={"url": "u"}, secrets={"password": "hush"}),
)


def with_queue(**change: Any) -> TenantSetup:
    return replace(SETUP, queues=(replace(SETUP.queues[0], **change), SETUP.queues[1]))


def with_agent(**change: Any) -> TenantSetup:
    return replace(SETUP, agents=(replace(SETUP.agents[0], **change), SETUP.agents[1]))


def told(after: TenantSetup) -> list[tuple[str, str, Any, Any]]:
    return [(it.change.value, ".".join(map(str, it.path)), it.before, it.after) for it in differences(SETUP, after)]


@pytest.mark.parametrize(
    ("after", "wanted"),
    [
        (SETUP, []),
        (replace(SETUP, agents=SETUP.agents[::-1]), []),
        (replace(SETUP, name="Neu"), [("changed", "name", "Verband", "Neu")]),
        (with_queue(ring_timeout_s=25.0), [("changed", "queues.sales.ring_timeout_s", 20.0, 25.0)]),
        (with_agent(skills=frozenset({"fr"})), [
            ("added", f"agents.{ANA}.skills", None, "fr"), ("removed", f"agents.{ANA}.skills", "de", None)]),
        (with_agent(queues=(SALES,)), [("removed", f"agents.{ANA}.queues", TAXES, None)]),
        (with_agent(queues=(TAXES, SALES)), [("moved", f"agents.{ANA}.queues", (SALES, TAXES), (TAXES, SALES))]),
        (with_agent(attributes={"tax": 3.0}), [("added", f"agents.{ANA}.attributes.tax", None, 3.0)]),
        (with_agent(memberships=(Membership(TAXES),)), [
            ("added", f"agents.{ANA}.memberships.taxes", None, Membership(TAXES))]),
        (with_queue(dispositions=(Disposition(id="done", en="Done", de="Erledigt"),)), [
            ("changed", "queues.sales.dispositions.done.de", "Da", "Erledigt")]),
        (replace(SETUP, queues=SETUP.queues[::-1]), [("moved", "queues", (SALES, TAXES), (TAXES, SALES))]),
        (replace(SETUP, queues=SETUP.queues[:1]), [("removed", "queues.taxes", SETUP.queues[1], None)]),
    ],
)  # fmt: skip
def test_a_difference_is_told_where_it_is(after: TenantSetup, wanted: list[Any]) -> None:
    assert told(after) == wanted


def test_a_part_that_was_not_there_is_one_difference() -> None:
    hours = Hours(time_zone="Europe/Berlin", week=("mon 08:00-12:00",))
    assert told(with_queue(hours=hours)) == [("changed", "queues.sales.hours", None, hours)]


def test_another_secret_is_told_without_its_text() -> None:
    registration = replace(SETUP.registration, client_secret="other")
    found = differences(SETUP, replace(SETUP, registration=registration))
    owners = ("TenantSetup", "Registration")
    assert found == (Difference(change=Change.SECRET, path=("registration", "client_secret"), owners=owners),)


def test_no_difference_shows_a_secret() -> None:
    crm = CrmSetup(connector="rest", secrets={"token": "hidden", "password": "hush"})
    shown = repr(differences(SETUP, replace(SETUP, crm=crm))) + repr(differences(None, SETUP))
    assert [secret for secret in ("hidden", "hush", "'secret'") if secret in shown] == []


def test_every_path_of_a_difference_names_the_structs_it_goes_through() -> None:
    (found,) = differences(SETUP, with_queue(dispositions=(Disposition(id="done", en="Done", de="x"),)))
    assert found.owners == ("TenantSetup", "", "Queue", "", "Disposition")


def test_agents_in_another_order_are_the_same_setup() -> None:
    assert same_setup(SETUP, replace(SETUP, agents=SETUP.agents[::-1]))
    assert not same_setup(SETUP, replace(SETUP, queues=SETUP.queues[::-1]))


def test_a_setup_that_was_shown_keeps_its_secrets_when_it_is_given_back() -> None:
    shown = without_secrets(SETUP)
    assert set(secrets_of(shown).values()) == {STORED}
    assert keeping_secrets(shown, SETUP) == SETUP


@pytest.mark.parametrize("running", [None, replace(SETUP, crm=None)])
def test_a_secret_that_is_not_stored_has_to_be_written_down(running: TenantSetup | None) -> None:
    with pytest.raises(Rejected, match=r"crm\.secrets\.password: no secret is stored"):
        keeping_secrets(without_secrets(SETUP), running)


def test_a_secret_does_not_go_over_to_another_registration_or_connector() -> None:
    other = without_secrets(replace(SETUP, registration=replace(SETUP.registration, client_id="new")))
    with pytest.raises(Rejected, match="client_secret"):
        keeping_secrets(other, SETUP)
    moved = without_secrets(replace(SETUP, crm=CrmSetup(connector="rest", secrets={"password": "x"})))
    with pytest.raises(Rejected, match="password"):
        keeping_secrets(moved, SETUP)
