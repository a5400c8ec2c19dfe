"""Expressions: a value becomes one argument, whatever it holds and wherever the author put it."""

import shlex
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bucle import errors
from bucle.spec.expressions import (
    DefaultDatastore,
    InputOf,
    NameOfJob,
    OutputOf,
    OutputOfStep,
    SearchSpace,
    expressions_of,
    only_expression,
    parse,
    render,
    render_text,
    written,
)

X = InputOf(name="x")
VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
HOSTILE = st.text("'\"\\$`();|&<>*?[]{}!#~\n\t ab=-", max_size=25)


def arguments(shell: str, command: str) -> list[str]:
    """Return the arguments that a real shell hands to a program."""
    script = f"show() {{ printf '%s\\0' \"$@\"; }}; {command}"
    done = subprocess.run([shell, "-c", script], capture_output=True, check=True, timeout=30)
    return done.stdout.decode().split("\0")[:-1]


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("${{inputs.x}}", X),
        ("${{ inputs.group.x }}", InputOf(name="group.x")),
        ("${{outputs.o}}", OutputOf(name="o")),
        ("${{parent.inputs.x}}", InputOf(name="x", of_parent=True)),
        ("${{parent.outputs.o}}", OutputOf(name="o", of_parent=True)),
        ("${{parent.jobs.a.outputs.b}}", OutputOfStep(step="a", name="b")),
        ("${{search_space.lr}}", SearchSpace(name="lr")),
        ("${{name}}", NameOfJob()),
        ("${{default_datastore}}", DefaultDatastore()),
    ],
)
def test_the_whole_grammar(text: str, expression: object) -> None:
    """Each form of Azure's expressions is read to its value, and written back."""
    assert only_expression(text) == expression
    assert written(next(expressions_of(parse(text)))) == text.replace(" ", "")


@pytest.mark.parametrize(
    "text", ["${{}}", "${{inputs}}", "${{inputs.x", "${{inputs['x']}}", "${{env.HOME}}", "${{parent.jobs.a}}"]
)
def test_anything_else_is_refused(text: str) -> None:
    """An expression is names in a known order, never code."""
    with pytest.raises(errors.BadRequest) as caught:
        parse(text)
    assert caught.value.code == "spec.bad_expression"


def test_optional_sections_follow_their_input() -> None:
    """A section goes only when its optional input is unset; without an expression it is text."""
    template = parse("run $[[--x ${{inputs.x}}]] $[[inputs.y]] end")
    assert render(template, {X: "1"}) == "run --x 1 $[[inputs.y]] end"
    assert render(template, {X: None}) == "run  $[[inputs.y]] end"
    with pytest.raises(errors.BadRequest, match="has no value"):
        render(template, {})


def test_text_that_is_no_command_is_not_quoted() -> None:
    """In a path the value stands as it is."""
    assert render_text(parse("azureml://datastores/d/paths/${{name}}/"), {NameOfJob(): "a b"}) == (
        "azureml://datastores/d/paths/a b/"
    )


@given(VALUES | HOSTILE)
def test_a_value_is_one_argument_for_shlex(value: str) -> None:
    """Bare, in single quotes and in double quotes, the value comes back from POSIX splitting unchanged."""
    line = render(parse("show ${{inputs.x}} '${{inputs.x}}' p=${{inputs.x}}/q"), {X: value})
    assert shlex.split(line) == ["show", value, value, f"p={value}/q"]


COMMANDS = [
    ("show ${{inputs.x}}", "", ""),
    ("show '${{inputs.x}}'", "", ""),
    ('show "${{inputs.x}}"', "", ""),
    ("show \"a\"'b'${{inputs.x}} # it's ${{inputs.x}}", "ab", ""),
    ('show "$(show ${{inputs.x}} | tr -d "\\000"; echo .)"', "", "."),
    ("show ${HOME:+}${{inputs.x}}", "", ""),
    ("show $((1 + (2)))${{inputs.x}}", "3", ""),
    ("(show ${{inputs.x}}) 2>&1", "", ""),
    ("case a in a) show ${{inputs.x}} ;; esac", "", ""),
    ('X=${{inputs.x}}; show "$X"', "", ""),
    ("show `echo`${{inputs.x}}", "", ""),
]


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize(("command", "before", "after"), COMMANDS)
@settings(max_examples=25, deadline=None)
@given(value=HOSTILE)
def test_a_real_shell_sees_one_argument(shell: str, command: str, before: str, after: str, value: str) -> None:
    """No value, however hostile, runs as a command or splits into words, in each place it may stand."""
    found = arguments(shell, render(parse(command), {X: value}))
    assert found == [before + value + after]


@pytest.mark.parametrize(
    "command",
    [
        "echo `echo ${{inputs.x}}`",
        "cat <<END\n${{inputs.x}}\nEND",
        "echo $((${{inputs.x}} + 1))",
        'echo "$${{inputs.x}}"',
        "echo $${{inputs.x}}",
        "echo \\${{inputs.x}}",
        "echo $'${{inputs.x}}'",
        'echo "${X:-${{inputs.x}}}"',
        "echo \"${X:-it's}\" ${{inputs.x}} 'end'",
        'echo "$(case a in a) echo ${{inputs.x}} ;; esac)"',
        "echo $[${{inputs.x}}]",
        "((${{inputs.x}}))",
        "A=(${{inputs.x}})",
        'X=((#))"a\n${{inputs.x}}',
    ],
)
def test_places_that_no_quoting_holds_are_refused(command: str) -> None:
    """Where a shell would read the value again, nothing is inserted, harmless or not."""
    assert render(parse("echo ${{inputs.x}}"), {X: "1"}) == "echo 1"
    with pytest.raises(errors.BadRequest) as caught:
        render(parse(command), {X: "1"})
    assert caught.value.code == "spec.unsafe_expression"


def test_a_nul_reaches_no_command_line() -> None:
    """A value with a NUL cannot be an argument."""
    with pytest.raises(errors.BadRequest, match="NUL"):
        render(parse("echo ${{inputs.x}}"), {X: "a\0b"})
