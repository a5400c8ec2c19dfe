"""The pages: rendered here, without scripts; each calls the verbs of `ops` that the API calls, and has a JSON twin."""

from bucle.studio.page import Pages, read_pages
from bucle.studio.routes import studio_routers

__all__ = ["Pages", "read_pages", "studio_routers"]
