"""Signatures of releases and approvals: made with them, held against their rows and bytes wherever they count."""

import hashlib
import json
from typing import Any, Literal

import sqlalchemy as sa

from bucle import errors
from bucle.core.manifest import Manifest
from bucle.core.release import release_digest
from bucle.core.statement import APPROVAL, RELEASE, approval_statement, release_statement
from bucle.ops.uploads import manifest_in
from bucle.ops.world import World
from bucle.release import promotions, releases
from bucle.release.promotions import Approval
from bucle.release.releases import Release
from bucle.store.events import PLATFORM, Event
from bucle.store.instants import to_text

Why = Literal["made", "upgrade"]
"""`upgrade`: it was made before this platform signed, and signed as it then stood in the records."""


def signed_release(world: World, release: Release, why: Why = "made") -> str:
    """Return the envelope of a release, over the files of its model and what made them."""
    signed = {"at": to_text(world.clock()), "why": why}
    return world.signing.sign(_of_release(release, _files(world, release), signed))


def signed_approval(world: World, approval: Approval, why: Why = "made") -> str:
    """Return the envelope of an approval."""
    return world.signing.sign(_of_approval(approval, {"at": to_text(world.clock()), "why": why}))


def check_release(world: World, release: Release, *, content: bool = True) -> None:
    """Refuse a release whose signature is missing or wrong, or that is not what was signed.

    With `content` every file of its model is read; without it the row and the list of files are compared only.
    """
    what = f"the release {release.alias}"
    statement = world.signing.opened(release.statement, RELEASE, what)
    if release_digest(release.manifest) != release.digest:
        raise errors.Refused("signature.bytes", what=what, why="its manifest has another digest")
    files = _files(world, release)
    if json.loads(_of_release(release, files, statement["predicate"]["signed"])) != statement:
        raise errors.Refused("signature.bytes", what=what, why="its row or its list of files was changed")
    if content:
        _check_content(world, release, files, what)


def check_approval(world: World, approval: Approval) -> None:
    """Refuse an approval whose signature is missing or wrong, or that says something else than was signed."""
    what = f"the approval of {approval.promotion}"
    statement = world.signing.opened(approval.statement, APPROVAL, what)
    if json.loads(_of_approval(approval, statement["predicate"]["signed"])) != statement:
        raise errors.Refused("signature.bytes", what=what, why="its row was changed")


def check_approvals(world: World, rows: sa.Connection, promotion: str) -> None:
    """Do so for each approval of a promotion."""
    for one in promotions.approvals_of(rows, promotion):
        if one.verdict == "approved":
            check_approval(world, one)


def sign_older(world: World) -> None:
    """Sign, once in the life of a state folder, what was made before this platform signed; its statement says so."""
    with world.read() as rows:
        unsigned = [one for one in releases.every(rows) if one.statement is None]
        said = promotions.unsigned_approvals(rows)
    made = [(one, signed_release(world, one, "upgrade")) for one in unsigned if _is_there(world, one)]
    with world.records.write(world.clock()) as transaction:
        for release, statement in made:
            releases.sign(transaction, release, statement)
        for approval in said:
            promotions.sign_approval(transaction, approval, signed_approval(world, approval, "upgrade"))
        if made or said:
            after = {"releases": len(made), "approvals": len(said), "key": world.signing.public().id}
            transaction.record(
                Event(
                    chain=PLATFORM, who="platform", via="server", what="releases/sign-older", subject="/", after=after
                )
            )
    world.signing.older_signed()


def _is_there(world: World, release: Release) -> bool:
    return manifest_in(world, release.workspace, release.manifest["model"]["digest"]) is not None


def _files(world: World, release: Release) -> Manifest:
    digest = release.manifest["model"]["digest"]
    found = manifest_in(world, release.workspace, digest)
    if found is None:
        raise errors.NotFound("store.object_missing", digest=digest)
    return found


def _check_content(world: World, release: Release, files: Manifest, what: str) -> None:
    if files.digest != release.manifest["model"]["digest"]:
        raise errors.Refused("signature.bytes", what=what, why="its list of files has another digest")
    for entry in files.entries:
        with world.objects.path(release.workspace, entry.sha256).open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if f"sha256:{found}" != entry.sha256:
            raise errors.Refused("signature.bytes", what=what, why=f"the bytes of {entry.path} were changed")


def _of_release(release: Release, files: Manifest, signed: dict[str, Any]) -> bytes:
    named = {
        "alias": release.alias,
        "digest": release.digest,
        "stage": release.stage,
        "model": f"{release.name}:{release.version}",
        "author": release.author_id,
        "created_at": to_text(release.created_at),
    }
    return release_statement(files, named, release.manifest, signed)


def _of_approval(approval: Approval, signed: dict[str, Any]) -> bytes:
    said = {
        "id": approval.id,
        "promotion": approval.promotion,
        "verdict": approval.verdict,
        "approver": approval.approver_id,
        "person": approval.person_id,
        "release": approval.release_digest,
        "plan": approval.plan_digest,
        "entry_gate": approval.entry_digest,
        "acknowledged": list(approval.acknowledged),
        "comment": approval.comment,
        "created_at": to_text(approval.created_at),
        "expires_at": to_text(approval.expires_at),
    }
    return approval_statement(said, signed)
