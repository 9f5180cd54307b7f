"""What README says, run as printed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", README, flags=re.DOTALL)


def without_rounding(text: str) -> str:
    """Relative errors are rounding noise, which differs from one CPU to the next."""
    return re.sub(r"\d\.\de-\d\d  ", "<noise>  ", text)


@pytest.mark.parametrize(("code", "printed"), BLOCKS, ids=["first screen", "a gradient", "an activation"])
def test_readme_prints_what_it_says(code: str, printed: str, tmp_path: Path) -> None:
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, encoding="utf-8", check=True)
    assert without_rounding(run.stdout) == without_rounding(printed)
    assert run.stderr == ""


def test_the_first_screen_draws_its_picture(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", BLOCKS[0][0]], cwd=tmp_path, check=True)
    assert (tmp_path / "moons.png").read_bytes().startswith(b"\x89PNG")
