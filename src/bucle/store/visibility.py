"""What a caller sees, as SQL: the view of `core.view` compiled to a condition on the columns of a list."""

from dataclasses import dataclass

import sqlalchemy as sa

from bucle.core.classes import ORDER, RANK
from bucle.core.view import Reach, View


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Where a list keeps the stage of its rows, and their name and class where it has them.

    All rows are of one `kind`; without one they are stages, or what is as visible as its stage.
    """

    stage: sa.ColumnElement[str]
    kind: str | None = None
    name: sa.ColumnElement[str] | None = None
    data_class: sa.ColumnElement[str] | None = None


def condition(view: View, columns: Columns) -> sa.ColumnElement[bool]:
    """Return the condition that holds for exactly those rows of stages that `view.shows`."""
    return sa.or_(
        sa.false(),
        *(
            sa.and_(_covers(reach, columns), _admits(view, reach, columns))
            for reach in view.reaches
            if reach.scope.stage is not None
        ),
    )


def _covers(reach: Reach, columns: Columns) -> sa.ColumnElement[bool]:
    stage = columns.stage == reach.scope.stage
    if len(reach.scope.parts) == 2:
        return stage
    _, _, kind, name = reach.scope.parts
    if columns.name is None or columns.kind != kind:
        return sa.false()
    return sa.and_(stage, columns.name == name)


def _admits(view: View, reach: Reach, columns: Columns) -> sa.ColumnElement[bool]:
    if reach.ceiling is None:
        return sa.true()
    unlabelled = sa.true() if view.unlabelled else sa.false()
    if columns.data_class is None:
        return unlabelled
    limit = RANK[reach.ceiling]
    admitted = columns.data_class.in_([data_class for data_class in ORDER if RANK[data_class] <= limit])
    return sa.or_(admitted, sa.and_(columns.data_class.is_(None), unlabelled))
