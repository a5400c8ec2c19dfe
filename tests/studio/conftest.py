"""The installation of tests/access with a team and its story in it, and a browser's manners: cookies and forms."""

import re
from dataclasses import dataclass

import pytest
from httpx2 import Response

from tests.access.conftest import House, house
from tests.studio.seed import Story, Team, tell

__all__ = ["house"]

TEAM = Team(author="data-scientist", requester="ml-engineer", approver="approver")
ROLES = {
    "data-scientist": (("DataScientist", "/stages/dev"), ("Reader", "/stages/preprod")),
    "ml-engineer": (("MLEngineer", "/stages/preprod"), ("MLEngineer", "/stages/prod"), ("Reader", "/stages/dev")),
    "approver": (("Approver", "/stages/preprod"), ("Approver", "/stages/prod"), ("Reader", "/stages/dev")),
    "auditor": (("Auditor", "/"),),
    "guest": (),
}
OWN = {"origin": "http://127.0.0.1", "sec-fetch-site": "same-origin"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """Somebody's browser: it keeps his cookie, follows nothing by itself, and sends forms as a browser does."""

    house: House
    session: str

    def get(self, path: str) -> Response:
        """Open a page."""
        return self.house.api.get(path, headers=self._cookie(), follow_redirects=False)

    def post(self, path: str, headers: dict[str, str] = OWN, /, **fields: str | list[str]) -> Response:
        """Send a form, as one of our own pages does unless other headers are given."""
        sent = {**self._cookie(), **headers}
        return self.house.api.post(path, data=fields, headers=sent, follow_redirects=False)

    def token(self, path: str) -> str:
        """Return the form token that a page holds."""
        found = re.search(r'name="form_token" value="([0-9a-f]+)"', self.get(path).text)
        assert found is not None
        return found[1]

    def say(self, promotion: str, verb: str, **fields: str | list[str]) -> Response:
        """Send the decision about a promotion from its page."""
        page = f"/studio/promotions/{promotion}"
        return self.post(f"{page}:{verb}", form_token=self.token(page), **fields)

    def _cookie(self) -> dict[str, str]:
        return {"cookie": f"bucle_session={self.session}"}


def browser(house: House, name: str) -> Browser:
    """Return the browser of somebody who has signed in."""
    return Browser(house=house, session=house.login(name).json()["session"])


def let_in(house: House) -> None:
    """Invite everybody of the team, with the roles of each; the administrator approves nothing any more."""
    for one in house.done("GET", "/bindings?principal=admin", house.admin)["value"]:
        if one["role"] == "Approver":
            assert house.ask("DELETE", f"/bindings/{one['id']}", house.admin).status_code < 300
    for name, held in ROLES.items():
        house.person(name, *held)


@pytest.fixture
def story(house: House) -> House:
    """Give an installation with the team's story in it."""
    let_in(house)
    tell(Story(world=house.world, team=TEAM, now=house.clock(), serving=True))
    return house
