"""A YAML file named from another folder: what it names lies beside it, wherever the command is given."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Installation, write


@pytest.mark.parametrize("folder", [".", "inner", "inner/deeper"])
def test_named_from_above(shared_installation: Installation, tmp_path: Path, folder: str) -> None:
    """Data and code of a file in a folder below, given by a relative path: uploaded, and the job reads both."""
    place = tmp_path / folder
    name = f"rows-{folder.count('/')}{len(folder)}"
    write(place / "rows.csv", "told by the rows\n")
    write(place / "src" / "tell.sh", "cat $1\n")
    write(place / "data.yml", f"name: {name}\ntype: uri_file\npath: ./rows.csv\n")
    write(
        place / "job.yml",
        f"""command: sh tell.sh ${{{{inputs.rows}}}}
code: ./src
environment: {{image: python}}
inputs: {{rows: {{type: uri_file, path: "azureml:{name}@latest"}}}}
""",
    )
    environment = {**os.environ, "BUCLE_HOME": str(shared_installation.home)}
    for arguments in (("data", "create", "-f", f"{folder}/data.yml"), ("job", "create", "-f", f"{folder}/job.yml")):
        command = [sys.executable, "-m", "bucle", *arguments, *(("--stream",) if arguments[0] == "job" else ())]
        ran = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
    assert "told by the rows" in ran.stdout
