"""The quality ladder: what the tests of each connector have shown, step by step; a guard test holds it to the tests.

bronze: parties are found and synchronised. silver: activities are written once, whatever is answered. gold: activities
are brought up to date in place, follow-ups are written, errors tell the CRM's own words. platinum: all of it against
the real software.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

Level = Literal["bronze", "silver", "gold", "platinum"]

#: What a connector must be able to do on each step, all of the steps below included.
STEPS: Mapping[Level, tuple[str, ...]] = MappingProxyType(
    {
        "bronze": ("find_by_phone", "changed_parties", "link"),
        "silver": ("log_activity", "find_activities", "quarantine_s"),
        "gold": ("update_activity", "add_task"),
        "platinum": (),
    }
)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Where a connector stands. `promises` is the test class that shows it; `against` what it is tested with."""

    level: Level
    promises: str
    against: str


#: By the connector's name in a setup.
LADDER: Mapping[str, Step] = MappingProxyType(
    {
        "imis": Step(level="gold", promises="test_imis_promises.py::TestImis", against="a strict emulator"),
        "dataverse": Step(level="gold", promises="test_rest_promises.py::TestDataverse", against="a strict emulator"),
        "hubspot": Step(level="gold", promises="test_rest_promises.py::TestHubSpot", against="a strict emulator"),
        "salesforce": Step(level="gold", promises="test_rest_promises.py::TestSalesforce", against="a strict emulator"),
        "tryton": Step(level="platinum", promises="test_tryton_promises.py::TestTryton", against="the real software"),
        "ldap": Step(level="bronze", promises="test_ldap_promises.py::TestLdap", against="the real software"),
        "carddav": Step(level="bronze", promises="test_carddav_promises.py::TestCardDav", against="the real software"),
        "rest": Step(level="gold", promises="test_rest_promises.py::TestHubSpot", against="whatever its mapping says"),
    }
)


def words(step: Step) -> str:
    """For a list at a terminal."""
    return f"tested against {step.against}"
