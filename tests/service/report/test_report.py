import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from embeddings.store.attribution import Attribution
from service.report.__main__ import NOTEBOOK, main
from service.report.figures.format import (
    difference_error,
    enumeration,
    percent,
    points,
    probability,
    standard_error,
)
from service.report.figures.gallery import credit, probable
from service.report.figures.html import element, link, table
from service.report.figures.style import class_styles
from service.report.server import ReportError, running_service
from service.settings import ServiceSettings

EMBEDDED = "data:image/jpeg;base64,"


@dataclass(frozen=True)
class Report:
    """Report in both modes."""

    notebook: str
    page: str
    slides: str
    committed: str


@pytest.fixture(scope="module")
def report(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Make the report in both modes from one running service with an API key."""
    folder = tmp_path_factory.mktemp("report")
    copy = Path(shutil.copy(NOTEBOOK, folder / "report.ipynb"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BELVEDERE_API_KEY", "a key of the tests")
        with running_service(ServiceSettings(home=home, port=0)) as url:
            patch.setenv("BELVEDERE_HOME", str(folder / "home"))
            patch.setenv("BELVEDERE_PORT", url.rsplit(":", 1)[1])
            assert main([]) == 0
            assert main(["--committed"], copy) == 0
    written = folder / "home" / "report"
    return Report(
        (written / "report.ipynb").read_text("utf-8"),
        (written / "report.html").read_text("utf-8"),
        (written / "slides.html").read_text("utf-8"),
        copy.read_text("utf-8"),
    )


def outputs(notebook: str) -> list[dict[str, Any]]:
    cells = json.loads(notebook)["cells"]
    return [output for cell in cells for output in cell.get("outputs", ())]


def test_the_page_shows_generated_scenes_with_a_notice(report):
    assert "These are generated scenes, not photographs." in report.page
    assert report.page.count(f'src="{EMBEDDED}') > 20
    assert report.page.count(EMBEDDED) == report.notebook.count(EMBEDDED)


def test_the_page_is_self_contained(report):
    assert "<script" not in report.page
    assert "<link" not in report.page
    assert "@import" not in report.page
    assert not re.search(r"""(src=["']?|url\(["']?)(?!data:)\w""", report.page)


def test_the_slides_show_every_chart_and_are_self_contained(report):
    charts = [output for output in outputs(report.notebook) if "image/png" in output["data"]]
    assert report.slides.count("data:image/png;base64,") == len(charts)
    assert 20 <= report.slides.count("<section") <= 60
    assert not re.search(
        r"""(src=["']?|href=["']?|url\(["']?)(?!data:|https?://)\w""", report.slides
    )
    assert not re.search(r"<(link|script src)|@import", report.slides)


def test_the_page_has_every_section(report):
    source = NOTEBOOK.read_text("utf-8")
    headings = re.findall(r'"(#+ .+?)(?:\\n)?"', source)
    assert len(headings) >= 11
    for heading in headings:
        assert f">{heading.lstrip('# ')}</h" in report.page


def test_the_committed_notebook_contains_no_pixels(report):
    assert EMBEDDED not in report.committed
    assert "image/jpeg" not in report.committed
    assert "shown by make report" in report.committed
    assert "These are generated scenes, not photographs." in report.committed
    assert len(report.committed) < 1_000_000


def test_the_committed_notebook_is_independent_of_the_machine(report):
    notebook = json.loads(report.committed)
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    assert all(not cell["metadata"] for cell in notebook["cells"])
    assert str(NOTEBOOK.parent) not in report.committed


@pytest.mark.parametrize("mode", ["notebook", "committed"])
def test_notebooks_contain_no_errors(report, mode):
    found = outputs(getattr(report, mode))
    assert found
    assert {output["output_type"] for output in found} <= {"display_data", "execute_result"}


def test_charts_have_alternative_text(report):
    charts = [output for output in outputs(report.committed) if "image/png" in output["data"]]
    assert len(charts) >= 8
    assert all(output["metadata"]["image/png"]["alt"] for output in charts)


def test_the_notebook_imports_only_the_client():
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    code = "".join(line for cell in cells if cell["cell_type"] == "code" for line in cell["source"])
    imported = set(re.findall(r"^\s*(?:import|from) (\S+)", code, re.MULTILINE))
    assert imported == {"os", "random", "service.client", "service.report"}
    assert not re.search(r"\b(training|embeddings)\b", code)


def test_prose_contains_no_results():
    for cell in json.loads(NOTEBOOK.read_text("utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            assert not re.search(
                r"\d ?%|\d\.\d|\d{3}", "".join(cell["source"]).replace(":8000", "")
            )


def test_a_missing_release_is_reported_in_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BELVEDERE_HOME", str(tmp_path))
    monkeypatch.setenv("BELVEDERE_PORT", "0")
    assert main([]) == 1
    assert capsys.readouterr().err.startswith("report: There is no release")


def test_invalid_settings_are_reported_in_one_sentence(monkeypatch, capsys):
    monkeypatch.setenv("BELVEDERE_PORT", "here")
    assert main([]) == 1
    assert capsys.readouterr().err.startswith("report: BELVEDERE_PORT: ")


def test_a_failed_start_of_the_service_is_reported_with_its_reason(home, tmp_path):
    shutil.copytree(home / "releases", tmp_path / "releases", symlinks=True)
    manifest = tmp_path / "releases" / "current" / "manifest.json"
    manifest.write_text("{}")
    with (
        pytest.raises(ReportError, match="manifest"),
        running_service(ServiceSettings(home=tmp_path, port=0)),
    ):
        pass


def test_attribution_is_escaped():
    attribution = Attribution(
        title="<script>alert(1)</script>",
        photographer='"A" & <b>B</b>',
        licence="CC BY 2.0",
        licence_url='https://example.org/"onclick="x',
        page="javascript:alert(1)",
        source=None,
    )
    html = credit("lake/1", attribution).html
    assert "<script" not in html
    assert "<b>" not in html
    assert "javascript" not in html
    assert 'onclick="' not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; by" in html


def test_without_a_photographer_the_credit_is_the_id():
    assert credit("lake/<1>", None).html == "lake/&lt;1&gt;"


def test_elements_escape_text_and_keep_elements():
    assert element("p", "a<b", element("i", "c&d")).html == "<p>a&lt;b<i>c&amp;d</i></p>"
    assert "<td" in table(["a", "b"], [["x", "1"]]).html
    assert link(None, "text") == "text"


def test_the_true_class_is_listed_even_if_improbable():
    named = probable({"a": 0.6, "b": 0.3, "c": 0.09, "d": 0.0}, also="d").html
    assert re.findall(r"[a-d](?= )", named) == ["a", "b", "d"]


def test_every_class_has_its_own_style():
    assert len(set(class_styles([str(number) for number in range(40)]).values())) == 40


def test_numbers_and_lists_are_formatted():
    assert percent(0.8137) == "81.4\N{NARROW NO-BREAK SPACE}%"
    assert percent(None) == "–"
    assert points(-0.0004) == "+0.0 points"
    assert points(-0.012) == "\N{MINUS SIGN}1.2 points"
    assert probability(1.0).startswith(">")
    assert enumeration(["a", "b", "c"]) == "a, b and c"
    assert standard_error(0.5, 100) == pytest.approx(0.05)
    assert difference_error(0.5, 0.5, 100) == pytest.approx(0.05 * 2**0.5)
