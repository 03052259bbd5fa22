"""A log line is a fixed sentence with fields that the allow-list knows."""

import ast
from collections.abc import Iterator
from importlib import import_module

import pytest

from cordpair.telemetry import OWN_KEYS
from tests.guards.sources import modules, name, tree

LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
LOGGERS = {"log", "_log", "logger", "_logger"}
#: Modules that may touch Python's own logging: both take words away from it.
SILENCERS = {"src/cordpair/telemetry/logs.py", "src/cordpair/connectors/teams/sdk.py"}
#: Keywords that structlog takes for itself.
STRUCTLOG = {"exc_info"}


def allowed() -> frozenset[str]:
    """Field names that have a data kind."""
    return frozenset(import_module("cordpair.privacy.logkeys").LOG_KEYS) | STRUCTLOG


def is_logger(node: ast.expr) -> bool:
    """`log`, `self._log`, `log.bind(...)`."""
    match node:
        case ast.Name(id=called) | ast.Attribute(attr=called):
            return called in LOGGERS
        case ast.Call(func=ast.Attribute(value=inner, attr="bind")):
            return is_logger(inner)
    return False


def faults(module: ast.Module, keys: frozenset[str]) -> Iterator[str]:
    """What is wrong with the log lines of a module, by line."""
    for node in ast.walk(module):
        match node:
            case ast.Call(func=ast.Attribute(value=target, attr=method), args=words, keywords=fields) if is_logger(
                target
            ) and method in LEVELS | {"bind"}:
                if method != "bind" and not (
                    len(words) == 1 and isinstance(words[0], ast.Constant) and isinstance(words[0].value, str)
                ):
                    yield f"line {node.lineno}: the message is not one fixed sentence"
                for field in fields:
                    if field.arg not in keys:
                        yield f"line {node.lineno}: {field.arg or '**'} is not in privacy/logkeys.py"


def test_log_lines_are_fixed_sentences_with_known_fields() -> None:
    keys = allowed()
    found = [f"{name(path)} {fault}" for path in modules() for fault in faults(tree(path), keys)]
    assert found == []


def strangers(module: ast.Module) -> Iterator[str]:
    """Loggers that the checks above would not recognise, by line."""
    known = [
        node.value
        for node in ast.walk(module)
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and is_logger(node.targets[0])
    ]
    for node in ast.walk(module):
        match node:
            case ast.Call(func=ast.Attribute(attr="get_logger")) if node not in known:
                yield f"line {node.lineno}: a logger is called one of {sorted(LOGGERS)}"
            case ast.Import(names=imported) if "logging" in {each.name for each in imported}:
                yield f"line {node.lineno}: logs go through structlog"
            case ast.ImportFrom(module="logging"):
                yield f"line {node.lineno}: logs go through structlog"


def test_every_logger_is_one_that_is_looked_at() -> None:
    # The emulator is no part of the product: it shows what happens in a made-up world.
    looked_at = [path for path in modules() if name(path) not in SILENCERS and "emulator" not in path.parts]
    assert [f"{name(path)} {fault}" for path in looked_at for fault in strangers(tree(path))] == []


@pytest.mark.parametrize("line", ["audit = structlog.get_logger()", "import logging", "from logging import getLogger"])
def test_a_planted_logger_is_caught(line: str) -> None:
    assert list(strangers(ast.parse(line)))


def test_the_own_keys_of_a_line_are_not_taken_by_a_field() -> None:
    assert not allowed() & (OWN_KEYS - {"place"})


@pytest.mark.parametrize(
    "line",
    [
        'log.info(f"{caller} hung up")',
        'log.info("hung up: %s", caller)',
        'log.info("hung " + up)',
        'log.info("hung up", caller=caller)',
        'log.info("hung up", **everything)',
        'self._log.warning("hung up", caller=caller)',
        'log.bind(caller=caller).info("hung up")',
    ],
)
def test_a_planted_log_line_is_caught(line: str) -> None:
    assert list(faults(ast.parse(line), frozenset({"call_id"})))


def test_a_good_log_line_is_left_alone() -> None:
    assert not list(faults(ast.parse('log.info("hung up", call_id=call.id)'), frozenset({"call_id"})))
