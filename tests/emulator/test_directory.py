"""Users and the bot's installation in the emulated Graph."""

from tests.emulator.product import Product


async def test_users_come_in_pages(product: Product) -> None:
    seen, path = [], "/users?$top=8&$select=id"
    while path:
        page = (await product.graph("GET", path)).json()
        seen.append(len(page["value"]))
        path = page.get("@odata.nextLink", "").removeprefix(f"{product.cloud.url}/graph/v1.0")
    assert seen == [8, 8, 4]


async def test_a_user_is_found_by_sign_in_name(product: Product) -> None:
    agent = product.tenant.agents[4]
    found = (await product.graph("GET", f"/users?$filter=userPrincipalName eq '{agent.upn}'")).json()["value"]
    assert [one["id"] for one in found] == [agent.id]


async def test_a_user_of_another_organisation_is_not_found(product: Product) -> None:
    other = product.cloud.parts.cloud.world.tenants[1].agents[0]
    assert (await product.graph("GET", f"/users/{other.id}")).status_code == 404


async def test_installing_the_bot_opens_the_chat(product: Product) -> None:
    agent = product.tenant.agents[2]
    apps = f"/users/{agent.id}/teamwork/installedApps"
    before = (await product.graph("GET", apps)).json()["value"]
    made = await product.graph("POST", apps, {"teamsApp@odata.bind": "https://graph.microsoft.com/v1.0/x"})
    chat = await product.graph("GET", made.headers["location"].split("/v1.0")[1] + "/chat")
    assert (before, made.status_code, chat.json()["id"]) == ([], 201, agent.conversation)


async def test_the_use_of_the_application_is_counted(product: Product) -> None:
    call = await product.answered()
    await product.dial()
    await product.graph("DELETE", f"/communications/calls/{call}")
    usage = (await product.control("usage"))[product.tenant.id]
    assert usage == {"live": 1, "month": 2}
