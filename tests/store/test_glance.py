"""One question without a transaction around it: it opens its own door, and any other finds it closed."""

from cordpair.core.party import ChatReference
from cordpair.store.doors import Store
from tests.store.world import ANA, NOON, A, B, call, configured

CALL = call()
HERE = ChatReference(conversation="chat-ana", service_url="https://chat.example", locale="de")


async def with_a_chat(store: Store) -> None:
    await configured(store, A)
    async with store.open_tenant(A) as rows:
        await rows.calls.save([CALL])
        await rows.chats.put(ANA, HERE)


async def test_a_card_is_made_of_the_same_at_a_glance(store: Store) -> None:
    await with_a_chat(store)
    async with store.open_tenant(A) as rows:
        whole = await rows.cards.sheet(CALL.id, ANA)
    async with store.glance(A) as rows:
        assert await rows.cards.sheet(CALL.id, ANA) == whole
    assert (whole.chat, whole.call) == (HERE, CALL)


async def test_a_glance_of_another_tenant_sees_nothing(store: Store) -> None:
    await with_a_chat(store)
    await configured(store, B)
    async with store.glance(B) as rows:
        found = await rows.cards.sheet(CALL.id, ANA)
    assert (found.card, found.chat, found.call, found.offers) == (None, None, None, [])


async def test_any_other_question_finds_the_door_closed(store: Store) -> None:
    await with_a_chat(store)
    async with store.glance(A) as rows:
        await rows.cards.sheet(CALL.id, ANA)
        assert await rows.calls.count_since(NOON) == 0
        assert await rows.chats.get(ANA) is None
