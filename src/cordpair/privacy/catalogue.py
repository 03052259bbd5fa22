"""Every column of both databases belongs to one kind of data. A column without a kind does not pass the tests.

What is generated from here: the purge, the export, erasure, the record of processing, the privacy notice.
"""

from collections.abc import Iterator

from cordpair.privacy.kinds import KINDS, DataKind

_SETUP, _SECRET, _PROFILE, _STATE = "tenant_setup", "tenant_secret", "agent_profile", "agent_state"
_CALL, _CONTENT, _PARTY = "call_metadata", "call_content", "party_index"
_RECORD, _DETAIL, _CHAIN = "audit_record", "audit_detail", "audit_chain"
_PAYLOAD, _INTAKE, _EFFECT, _OPERATIONS, _KEY = (
    "intake_payload",
    "intake_protocol",
    "effect_protocol",
    "operations",
    "key",
)

#: table -> kind -> columns, of the main database.
MAIN: dict[str, dict[str, str]] = {
    "tenants": {_SETUP: "tenant name region time_zone revision fallback_user body"},
    "registrations": {
        _SETUP: "tenant registration client_id bot_id bot_name secret_expires_at quota",
        _SECRET: "secret_sealed",
    },
    "setup_versions": {"setup_version": "tenant number at actor sealed"},
    "sounds": {_SETUP: "tenant sound seconds made_at samples"},
    "prompts": {_SETUP: "tenant name sound version added_at"},
    "crm_setups": {_SETUP: "tenant connector settings", _SECRET: "secrets_sealed"},
    "queues": {_SETUP: "tenant queue position active service_level_s body"},
    "agents": {
        _PROFILE: "tenant agent active queues skills ability locale name_sealed",
        _STATE: "state since idle_since call body",
    },
    "calls": {
        _CALL: "tenant call state queue sequence heard_at arrived_at connected_at ended_at closed_at agent outcome "
        "body",
        _CONTENT: "sealed",
    },
    "callbacks": {_CALL: "tenant call kind state queue agent asked_at closed_at body", _CONTENT: "sealed"},
    "legs": {_CALL: "tenant call number agent joined_at left_at"},
    "offers": {_CALL: "tenant call number agent state made_at ended_at why"},
    "history": {_CALL: "tenant id at call agent what before after detail"},
    "pending_items": {_CALL: "tenant call reason since"},
    "cards": {_CALL: "tenant call agent activity_id number"},
    "chats": {_PROFILE: "tenant agent sealed"},
    "timers": {_EFFECT: "tenant key run_at body"},
    "outbox": {
        _EFFECT: "tenant id key lane kind call state run_at lease_until attempts unknown since reason body",
        _CONTENT: "reason_sealed",
    },
    "flows": {_EFFECT: "tenant id key kind version state wake_at lease_until claim attempts round since reason body"},
    "peers": {_OPERATIONS: "tenant peer since until bulk_until share"},
    "flow_steps": {_EFFECT: "tenant flow name attempts result"},
    "hooks": {
        _SETUP: "tenant hook url profile events fields state behind failing_since",
        _SECRET: "secrets_sealed",
    },
    "hook_deliveries": {_EFFECT: "tenant id hook entry call event at state attempts run_at since reason"},
    "inbox": {
        _INTAKE: "tenant id source key received_at state attempts error folded_at",
        _PAYLOAD: "sealed result_sealed",
    },
    "leases": {_OPERATIONS: "tenant owner epoch expires_at"},
    "parties": {_PARTY: "tenant connector party sealed"},
    "party_phones": {_PARTY: "tenant hash kind connector party"},
    "party_trunks": {_PARTY: "tenant hash connector party origin is_person digits"},
    "party_contacts": {_CALL: "tenant connector party agent queue at"},
    "caller_choices": {_PARTY: "tenant hash connector party weight at"},
    "sync_bookmarks": {_OPERATIONS: "tenant connector bookmark at"},
    "subscriptions": {
        _OPERATIONS: "tenant kind graph_id expires_at",
        _SECRET: "client_state_sealed content_keys_sealed",
    },
    "audit_records": {_RECORD: "tenant number at actor action target salt", _DETAIL: "detail_sealed"},
    "audit_chain": {_CHAIN: "tenant number day commitment previous digest"},
    "audit_heads": {_CHAIN: "tenant number digest signer signature"},
    "audit_checkpoints": {_CHAIN: "tenant number day digest signer signature"},
    "alembic_version": {_OPERATIONS: "version_num"},
}

#: table -> kind -> columns, of the key database.
KEYS: dict[str, dict[str, str]] = {
    "tenant_keys": {_KEY: "tenant wrapped"},
    "subject_keys": {_KEY: "tenant subject wrapped"},
    "alembic_version": {_OPERATIONS: "version_num"},
}


def columns(tables: dict[str, dict[str, str]]) -> Iterator[tuple[str, str, DataKind]]:
    """(table, column, kind) of MAIN or KEYS."""
    for table, kinds in tables.items():
        for kind, names in kinds.items():
            for name in names.split():
                yield table, name, KINDS[kind]


def is_sealed(column: str) -> bool:
    """Whether a column holds ciphertext or a keyed hash: by its name, so that a reader of the schema sees it too."""
    return column.endswith("sealed") or column in ("hash", "wrapped")
