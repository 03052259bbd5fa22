"""Secrets of a setup: what nobody is shown again, and how a setup without them takes up those that are stored. Pure."""

from collections.abc import Mapping

from msgspec.structs import replace

from cordpair.core.tenant import TenantSetup
from cordpair.errors import Rejected

#: Stands in a setup that people see where a secret is stored; given back, it keeps that secret.
STORED = "<stored>"


def secrets_of(setup: TenantSetup) -> Mapping[tuple[str, ...], str]:
    """Every secret by where it stands."""
    of_crm = {} if setup.crm is None else setup.crm.secrets
    return {
        ("registration", "client_secret"): setup.registration.client_secret,
        **{("crm", "secrets", name): secret for name, secret in of_crm.items()},
    }


def without_secrets(setup: TenantSetup) -> TenantSetup:
    """The setup as people may see it."""
    return with_secrets(setup, dict.fromkeys(secrets_of(setup), STORED))


def keeping_secrets(setup: TenantSetup, running: TenantSetup | None) -> TenantSetup:
    """The setup with the running one's secrets wherever it says that they are stored.

    Raises Rejected where none is: also for another connector's, or another app registration's.
    """
    known = {} if running is None else dict(secrets_of(running))
    if running is not None and running.registration.client_id != setup.registration.client_id:
        known.pop(("registration", "client_secret"), None)
    if running is not None and running.crm and setup.crm and running.crm.connector != setup.crm.connector:
        known = {path: secret for path, secret in known.items() if path[0] != "crm"}
    wanted = {path: secret for path, secret in secrets_of(setup).items() if secret == STORED}
    missing = [".".join(path) for path in wanted if path not in known]
    if missing:
        raise Rejected("\n".join(f"{path}: no secret is stored: write it down once" for path in missing))
    return with_secrets(setup, {path: known[path] for path in wanted})


def with_secrets(setup: TenantSetup, secrets: Mapping[tuple[str, ...], str]) -> TenantSetup:
    """The setup with these secrets in the place of its own."""
    registration = setup.registration
    if ("registration", "client_secret") in secrets:
        registration = replace(registration, client_secret=secrets["registration", "client_secret"])
    crm = setup.crm
    if crm is not None:
        crm = replace(
            crm, secrets={name: secrets.get(("crm", "secrets", name), was) for name, was in crm.secrets.items()}
        )
    return replace(setup, registration=registration, crm=crm)
