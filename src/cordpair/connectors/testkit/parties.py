"""The promises of whatever knows parties: a CRM, or a directory that is only read."""

from cordpair.connectors.testkit.stages import UNKNOWN_NUMBER, Stage, failure_of, first_page, ids_of, pages_of
from cordpair.errors import PermanentFailure


class PartyPromises:
    """What the engine relies on to know callers."""

    async def stage(self) -> Stage:
        raise NotImplementedError

    async def test_an_unknown_number_finds_nobody(self) -> None:
        stage = await self.stage()
        assert list(await stage.crm.find_by_phone(UNKNOWN_NUMBER)) == []

    async def test_a_known_number_finds_its_party(self) -> None:
        stage = await self.stage()
        found = await stage.crm.find_by_phone(stage.known_phone)
        assert [record.ref for record in found] == [stage.known]

    async def test_a_party_says_which_connector_it_is_of(self) -> None:
        stage = await self.stage()
        assert stage.known.connector == stage.crm.name

    async def test_looking_never_creates_anything(self) -> None:
        stage = await self.stage()
        before = await stage.party_ids(), await stage.activity_ids()
        for _ in range(3):
            await stage.crm.find_by_phone(UNKNOWN_NUMBER)
            await stage.crm.find_by_phone(stage.known_phone)
        assert (await stage.party_ids(), await stage.activity_ids()) == before

    async def test_a_sync_gives_every_party_once(self) -> None:
        stage = await self.stage()
        pages = await pages_of(stage.crm, None)
        assert sorted(ids_of(pages)) == sorted(await stage.party_ids())

    async def test_only_the_last_page_is_complete(self) -> None:
        stage = await self.stage()
        pages = await pages_of(stage.crm, None)
        assert [page.complete for page in pages] == [False] * (len(pages) - 1) + [True]
        assert len(pages) >= 3

    async def test_a_bookmark_continues_where_the_page_ended_in_another_process(self) -> None:
        stage = await self.stage()
        first = await first_page(stage.crm, None)
        rest = await pages_of(stage.another_crm(), first.bookmark)
        assert sorted([*ids_of([first]), *ids_of(rest)]) == sorted(await stage.party_ids())

    async def test_the_next_sync_brings_who_was_changed_and_not_everybody(self) -> None:
        stage = await self.stage()
        bookmark = (await pages_of(stage.crm, None))[-1].bookmark
        await stage.change(stage.known)
        changed = ids_of(await pages_of(stage.another_crm(), bookmark))
        assert stage.known.id in changed
        assert len(changed) < len(await stage.party_ids())

    async def test_who_is_changed_during_a_sync_comes_in_it_or_in_the_next(self) -> None:
        stage = await self.stage()
        first = await first_page(stage.crm, None)
        await stage.change(stage.known)
        rest = await pages_of(stage.crm, first.bookmark)
        following = await pages_of(stage.crm, rest[-1].bookmark)
        assert stage.known.id in [*ids_of(rest), *ids_of(following)]

    async def test_a_spoiled_bookmark_is_refused_once_and_for_all(self) -> None:
        stage = await self.stage()
        assert isinstance(await failure_of(pages_of(stage.crm, "no bookmark")), PermanentFailure)
