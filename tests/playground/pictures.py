"""Pictures of a card's faces, side by side as one."""

import base64
from pathlib import Path

from playwright.async_api import Browser, Locator

_PAGE = """<style>
body {{ margin: 0; padding: 24px; background: #f0f0f0; display: inline-flex; gap: 24px; align-items: flex-start }}
img {{ width: 448px; border-radius: 6px; box-shadow: 0 2px 8px #0003 }}
</style>{images}"""


class Album:
    """Faces in the order in which they were taken."""

    def __init__(self) -> None:
        self._faces: list[bytes] = []

    async def take(self, card: Locator) -> None:
        """A picture of the card as it stands."""
        self._faces.append(await card.screenshot(animations="disabled"))

    async def write(self, browser: Browser, path: Path) -> None:
        """One picture of all faces."""
        sources = (base64.b64encode(face).decode() for face in self._faces)
        images = "".join(f'<img src="data:image/png;base64,{source}">' for source in sources)
        page = await browser.new_page(viewport={"width": 1440, "height": 800}, device_scale_factor=2)
        await page.set_content(_PAGE.format(images=images))
        await page.locator("body").screenshot(path=path)
        await page.close()
