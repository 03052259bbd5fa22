"""The CRM in memory keeps the same promises, so that it may stand in for a real one."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from cordpair.connectors.memory import MemoryCrm, Trouble
from cordpair.connectors.testkit import CrmPromises
from cordpair.core.ids import PartyRef
from cordpair.core.party import PartyRecord, StoredPhone

ANSGAR = PartyRef("memory", "31001")


def party(party_id: str, raw: str) -> PartyRecord:
    return PartyRecord(ref=PartyRef("memory", party_id), name="Ansgar Wiesel", phones=(StoredPhone(raw=raw),))


@dataclass
class MemoryStage:
    crm: MemoryCrm = field(
        default_factory=lambda: MemoryCrm(now=lambda: datetime(2026, 11, 23, tzinfo=UTC), page_size=4)
    )
    known: PartyRef = ANSGAR
    known_phone: str = "+493023125123"

    def another_crm(self) -> MemoryCrm:
        return self.crm

    async def party_ids(self) -> list[str]:
        return list(self.crm.parties)

    async def activity_ids(self) -> list[str]:
        return [one.id for one in self.crm.logged]

    async def change(self, party: PartyRef) -> None:
        self.crm.put([self.crm.parties[party.id]])

    async def lose_next_answer(self) -> None:
        self.crm.troubles.append(Trouble.ANSWER_LOST)


class TestMemory(CrmPromises):
    async def stage(self) -> MemoryStage:
        stage = MemoryStage()
        stage.crm.put([party("31001", "030 23125123"), *(party(str(32000 + n), f"040 66969{n:03}") for n in range(13))])
        return stage
