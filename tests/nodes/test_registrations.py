"""The name of an app registration is in the addresses that Microsoft calls: it belongs to one organisation."""

import pytest
from msgspec.structs import replace

from cordpair.core.audit import operator_actor
from cordpair.engine.privileged import apply_setup
from cordpair.errors import Rejected
from tests.product.house import House


async def test_the_registration_of_another_organisation_is_refused_and_both_go_on(here: House) -> None:
    ours, taken = here.lanterns.setup, here.harbours.setup.registration.id
    wrong = replace(ours, registration=replace(ours.registration, id=taken))
    with pytest.raises(Rejected, match=f"registration.id: {taken} is the registration of another organisation already"):
        await apply_setup(here.store, wrong, by=operator_actor(1000), now=here.product.clock.now())
    assert await here.product.workshop.registration(ours.registration.id) == ours.registration
    assert await here.product.workshop.registration(taken) == here.harbours.setup.registration
