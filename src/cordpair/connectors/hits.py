"""From a CRM's record to hits that the core can grade: one per reading of each of its numbers."""

from collections.abc import Iterator

from cordpair.core.number_rules import NO_RULES, NumberRules
from cordpair.core.numbers import Hit, stored_numbers
from cordpair.core.party import PartyRecord


def hits_of(
    record: PartyRecord, *, region: str, source: str, link: str = "", rules: NumberRules = NO_RULES
) -> Iterator[Hit]:
    """Read all numbers of a record. `region` (the tenant's) is for records that name no country of their own.

    `rules` are of the tenant's private exchange. `source` is the CRM's name for people, `link` where its record opens.
    """
    for phone in record.phones:
        for number in stored_numbers(phone.raw, record.region or region, rules=rules):
            yield Hit(
                party=record.ref, name=record.name, company=record.company, number=number, source=source, link=link
            )
