"""The page about iMIS names every setting that is read."""

import re
from pathlib import Path

from cordpair.connectors.imis import settings


def test_every_setting_has_a_line_on_the_page() -> None:
    source = Path(settings.__file__).read_text()
    read = set(re.findall(r'given(?:\.get)?\(?,? ?"(\w+)"', source)) | set(
        re.findall(r'_required\(\w+, "(\w+)"\)', source)
    )
    page = (Path(__file__).parents[2] / "docs/reference/imis.md").read_text()
    assert len(read) >= 10
    assert sorted(name for name in read if f"`{name}`" not in page) == []
