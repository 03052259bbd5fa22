"""Loads Microsoft's bot SDK when imported: before a test begins, and in the main thread.

It warns of its previews as it is loaded. `connectors.teams.sdk` keeps that quiet, but warnings are errors in a test and
their filters belong to the whole process: a test that ends while another thread loads sets them back.
"""

import cordpair.connectors.teams.conversation  # noqa: F401
