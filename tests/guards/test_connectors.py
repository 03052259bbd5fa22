"""What is said of connectors holds: the ladder by their tests, the pages by the code."""

import re
from importlib import import_module

import pytest

from cordpair.connectors import registry
from cordpair.connectors.ladder import LADDER, STEPS, Step
from cordpair.connectors.rest import shipped_names
from tests.guards.sources import ROOT
from tools import list_mapping

TESTS = ROOT / "tests" / "connectors"
CLASSES = {"imis": "imis.crm.ImisCrm", "ldap": "ldap.directory.LdapDirectory", "carddav": "carddav.book.AddressBook"}


def steps_up_to(step: Step) -> list[str]:
    order = list(STEPS)
    return [name for level in order[: order.index(step.level) + 1] for name in STEPS[level]]


def test_every_connector_of_the_registry_stands_on_the_ladder() -> None:
    assert set(LADDER) == set(registry.TITLES) - {"memory"}


def test_every_mapping_file_is_in_the_registry() -> None:
    assert set(shipped_names()) <= set(registry.TITLES)


@pytest.mark.parametrize("name", LADDER)
def test_the_promises_that_show_a_step_are_kept_by_tests(name: str) -> None:
    file, _, promises = LADDER[name].promises.partition("::")
    text = (TESTS / file).read_text(encoding="utf-8")
    kind = "PartyPromises" if LADDER[name].level == "bronze" else "CrmPromises"
    assert re.search(rf"^class {promises}\(", text, re.MULTILINE)
    assert kind in text


@pytest.mark.parametrize("name", LADDER)
def test_a_connector_can_do_what_its_step_asks_for(name: str) -> None:
    module, _, called = CLASSES.get(name, "rest.crm.RestCrm").rpartition(".")
    connector = getattr(import_module(f"cordpair.connectors.{module}"), called)
    assert [step for step in steps_up_to(LADDER[name]) if not hasattr(connector, step)] == []


@pytest.mark.parametrize("name", LADDER)
def test_the_page_of_connectors_names_it(name: str) -> None:
    assert f"`{name}`" in (ROOT / "docs" / "reference" / "connectors.md").read_text(encoding="utf-8")


def test_the_page_of_mapping_files_and_the_schema_show_every_field() -> None:
    assert list_mapping.PAGE.read_text(encoding="utf-8") == list_mapping.page(), "run: python -m tools.list_mapping"
    assert list_mapping.SCHEMA.read_text(encoding="utf-8") == list_mapping.schema_text()
