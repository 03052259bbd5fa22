"""A menu for the played day: whoever calls an organisation's first number is greeted, and may press a key."""

from msgspec.structs import replace

from cordpair.core.flow import Branch, Case, Fact, Flow, Menu, Play, Say, ToQueue, Treatment
from cordpair.core.ids import FlowId
from cordpair.core.tenant import TenantSetup

_WELCOME = {"de": "Guten Tag, hier ist {name}.", "en": "Welcome to {name}."}
_CHOICE = {
    "de": "Für Fragen zu Ihrem Beitrag drücken Sie die 1, für alles andere die 2.",
    "en": "Press 1 for questions about your subscription, 2 for everything else.",
}


def with_menu(setup: TenantSetup) -> TenantSetup:
    """Members whose number is known wait at once, with a head start; everybody else hears the menu.

    The texts are spoken where a voice is installed; the chimes are heard everywhere.
    """
    first, *others = setup.queues
    language = first.language if first.language in _WELCOME else "en"
    chime = Say(prompt="greeting")
    flow = Flow(
        id=FlowId("reception"),
        name="Empfang" if language == "de" else "Reception",
        resource_accounts=(first.resource_account,),
        language=language,
        start="hello",
        steps={
            "hello": Play(say=(chime, Say(text=_WELCOME[language].format(name=setup.name))), next="who"),
            "who": Branch(cases=(Case(fact=Fact.KNOWN, next="member"),), otherwise="menu"),
            "menu": Menu(
                say=(Say(prompt="waiting"), Say(text=_CHOICE[language])),
                choices={"1": "subscription", "2": "others"},
                timeout_s=5.0,
                retries=1,
                no_input="others",
            ),
            "member": ToQueue(queue=first.id, credit_s=30.0),
            "subscription": ToQueue(queue=first.id),
            "others": ToQueue(queue=first.id),
        },
    )
    treatment = Treatment(music=(Say(prompt="waiting"),), position=True, expected_wait=True, every_s=30.0)
    return replace(setup, queues=(replace(first, treatment=treatment), *others), flows=(flow,))
