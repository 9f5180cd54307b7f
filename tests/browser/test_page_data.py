"""Choosing rows, drawing them, and bringing one's own."""

import numpy as np
import pytest
from playwright.sync_api import expect

import handgrad as hg

from . import reference
from .page import Playground

TABLE = "height,weight,age,kind\n" + "".join(
    f"{150 + row % 7},{50 + 3 * (row % 5) + 20 * (row % 2)},{20 + row},{'dog' if row % 2 else 'cat'}\n"
    for row in range(40)
)


@pytest.mark.parametrize("name", ["moons", "circles", "xor", "spirals", "gaussians", "regression_plane"])
def test_a_dataset_is_chosen_by_its_picture(play: Playground, name: str) -> None:
    play.click(f"dataset-{name}")
    play.until_document("data.name", name)
    expect(play.get(f"dataset-{name}")).to_have_attribute("aria-pressed", "true")
    rows = reference.rows(play.document)
    scene = play.state["scene"]
    np.testing.assert_allclose(scene["train"]["points"], rows.X, atol=1e-6)
    np.testing.assert_allclose(scene["test"]["points"], rows.X_test, atol=1e-6)
    play.step()
    np.testing.assert_array_equal(play.params, reference.trained(play.document, 1).params)


@pytest.mark.parametrize(
    ("slider", "path", "value"), [("noise", "noise", 0.4), ("n", "n", 100), ("test-share", "test", 0.5)]
)
def test_a_slider_draws_other_rows(play: Playground, slider: str, path: str, value: float) -> None:
    play.slide(slider, value)
    play.until_document(f"data.{path}", value)
    rows = reference.rows(play.document)
    np.testing.assert_allclose(play.state["scene"]["train"]["points"], rows.X, atol=1e-6)
    assert play.state["scene"]["rows"] == {"train": len(rows.X), "test": len(rows.X_test)}


def test_sliders_are_those_of_the_dataset(play: Playground) -> None:
    expect(play.get("arms")).to_be_hidden()
    play.click("dataset-spirals")
    play.until_document("data.name", "spirals")
    expect(play.get("arms")).to_be_visible()
    play.slide("arms", 3)
    play.until_document("data.arms", 3)
    assert play.state["scene"]["classes"] == ["0", "1", "2"]


def test_other_rows_of_the_same_kind(play: Playground) -> None:
    before = play.state["scene"]["train"]["points"]
    play.click("regenerate")
    play.until_document("data.seed", 1)
    assert play.state["scene"]["train"]["points"] != before
    np.testing.assert_allclose(play.state["scene"]["train"]["points"], reference.rows(play.document).X, atol=1e-6)


def test_a_curve_is_fitted(play: Playground) -> None:
    play.click("dataset-regression_curve")
    play.until_document("data.name", "regression_curve")
    assert play.state["scene"]["kind"] == "curve"
    assert play.state["metric"] == "r2"
    play.step(2)
    np.testing.assert_array_equal(play.params, reference.trained(play.document, 2).params)
    expect(play.get("train-metric")).to_contain_text("R²")


def test_digits_are_seen_as_images(play: Playground) -> None:
    play.click("dataset-digits")
    play.until_document("data.name", "digits")
    assert play.state["scene"]["image"] == [8, 8]
    assert play.parameter("dense1.W").shape == (64, 4)
    canvas = play.get("unit-0-0").locator("canvas")
    assert canvas.evaluate("(canvas) => [canvas.width, canvas.height]") == [8, 8]
    play.step()
    assert play.header["metrics"]["train_loss"] < play.store("store.curves.train_loss[0]")


def test_two_columns_of_a_table_make_a_plane(play: Playground) -> None:
    play.click("dataset-iris")
    play.until_document("data.name", "iris")
    names = list(hg.datasets.iris().feature_names)
    assert play.parameter("dense1.W").shape == (4, 4)
    play.choose("column-1", names[2])
    play.until("store.state.document.data.columns !== null")
    play.choose("column-2", names[3])
    play.until_document("data.columns", [names[2], names[3]])
    assert play.state["scene"]["axes"] == [names[2], names[3]]
    assert play.parameter("dense1.W").shape == (2, 4)


def test_test_points_are_shown_on_demand(play: Playground) -> None:
    before = play.pixels(play.get("plane"))
    play.get("show-test").check()
    play.until_document("view.show_test", True)
    after = play.pixels(play.get("plane"))
    assert (after[:, 3] > 0).sum() > (before[:, 3] > 0).sum()


def test_points_are_drawn_with_the_brush(play: Playground) -> None:
    before = play.state["scene"]["rows"]
    play.click("brush")
    play.click("brush-class-1")
    stroke(play, 0.3, 0.7)
    play.until_document("data.name", "table")
    rows = play.state["scene"]["rows"]
    added = sum(rows.values()) - sum(before.values())
    assert added >= 3
    assert play.document["data"]["csv"].splitlines()[0] == "x1,x2,class"
    assert all(line.endswith(",1") for line in play.document["data"]["csv"].splitlines()[-added:])
    play.step()
    assert play.epoch == 1


def test_points_are_rubbed_out(play: Playground) -> None:
    before = sum(play.state["scene"]["rows"].values())
    play.click("brush")
    play.click("erase")
    stroke(play, 0.1, 0.9)
    play.until_document("data.name", "table")
    assert sum(play.state["scene"]["rows"].values()) < before


def test_a_clear_sheet_is_drawn_on(play: Playground) -> None:
    play.click("brush")
    play.click("clear-points")
    for label, height in enumerate((0.3, 0.7)):
        play.click(f"brush-class-{label}")
        stroke(play, 0.2, 0.8, height)
    play.until("store.state.document.data.name === 'table' && store.state.scene.classes.length === 2")
    points = np.array(play.state["scene"]["train"]["points"])
    labels = np.array(play.state["scene"]["train"]["y"])
    assert points[labels == 0, 1].min() > points[labels == 1, 1].max()


def test_points_of_one_class_wait_for_another(play: Playground) -> None:
    play.click("brush")
    play.click("clear-points")
    play.click("brush-class-0")
    stroke(play, 0.2, 0.8, 0.3)
    expect(play.get("brush-hint")).to_contain_text("Two colours")
    play.fill("learning-rate", "0.2")
    play.until_document("training.learning_rate", 0.2)  # a new state leaves the points where they are
    assert play.document["data"]["name"] == "moons"
    play.click("brush-class-1")
    dot(play, 0.5)
    play.step()  # one point of a class is too few as well
    assert play.document["data"]["name"] == "moons"
    stroke(play, 0.2, 0.8, 0.7)
    play.until("store.state.document.data.name === 'table'")
    assert {line[-2:] for line in play.document["data"]["csv"].splitlines()[1:]} == {",0", ",1"}
    expect(play.get("brush-hint")).not_to_contain_text("Two colours")
    expect(play.get("error")).to_be_hidden()


def test_points_that_wait_go_when_other_data_are_chosen(play: Playground) -> None:
    play.click("brush")
    play.click("clear-points")
    dot(play, 0.5)
    expect(play.get("brush-hint")).to_contain_text("Two colours")
    play.click("dataset-circles")
    play.until_document("data.name", "circles")
    expect(play.get("brush-hint")).not_to_contain_text("Two colours")


def test_strokes_quicker_than_the_server_are_all_kept(play: Playground) -> None:
    before = sum(play.state["scene"]["rows"].values())
    play.click("brush")
    hold(play, "state")
    dot(play, 0.3)
    dot(play, 0.5)
    play.until("window.held.length === 1")  # the second one waits in the page
    release(play)
    dot(play, 0.7)
    let_go(play)
    play.until("!store.waitingSince && !store.dirty")
    assert sum(play.state["scene"]["rows"].values()) == before + 3


def test_a_late_answer_about_columns_leaves_newer_strokes(play: Playground) -> None:
    before = sum(play.state["scene"]["rows"].values())
    play.click("brush")
    hold(play, "columns")
    dot(play, 0.3)
    play.until("window.held.length === 1")
    hold(play, "state")
    dot(play, 0.6)
    release(play)
    assert play.store("store.document.data.csv").count("\n") == 1 + before + 2
    let_go(play)
    play.until("!store.waitingSince && !store.dirty")
    assert sum(play.state["scene"]["rows"].values()) == before + 2
    assert play.document["data"]["standardise"] is False


def test_classes_keep_their_names_when_one_is_rubbed_out(play: Playground) -> None:
    middles = {"a": (-1.0, 0.0), "b": (1.0, 1.0), "c": (1.0, -1.0)}
    rows = [f"{x},{y},{name}" for name, (x, y) in middles.items() for _ in range(10)]
    play.open({"data": {"name": "table", "csv": "\n".join(["x1,x2,class", *rows]), "target": "class"}})
    play.click("brush")
    play.click("erase")
    box = play.get("plane").bounding_box()
    assert box is not None
    left = 38 + (box["width"] - 48) * 0.24 / 2.48  # where x1 is -1, within the margins
    play.page.mouse.click(box["x"] + left, box["y"] + 20 + (box["height"] - 56) / 2)
    play.until("store.state.scene.classes.join() === 'b,c'")
    play.click("brush-class-0")
    dot(play, 0.5)
    play.until("store.state.scene.rows.train + store.state.scene.rows.test === 21")
    ends = [line.split(",")[2] for line in play.document["data"]["csv"].splitlines()[1:]]
    assert (ends.count("b"), ends.count("c")) == (11, 10)


def test_drawing_loses_no_rows_and_no_scale(play: Playground) -> None:
    names = list(hg.datasets.iris().feature_names)
    play.open({"data": {"name": "iris", "columns": names[:2]}})
    expect(play.get("brush-many")).to_be_hidden()
    play.click("brush")
    dot(play, 0.5)
    play.until_document("data.name", "table")
    assert play.document["data"]["standardise"] is None  # as it was
    rows = "".join(f"{row % 61},{row % 59},{row % 2}\n" for row in range(3000))
    play.open({"data": {"name": "table", "csv": "x1,x2,class\n" + rows, "target": "class", "task": "classify"}})
    expect(play.get("brush")).to_be_disabled()
    expect(play.get("brush-many")).to_be_visible()


def test_a_csv_file_is_dropped(play: Playground) -> None:
    play.drop("animals.csv", TABLE)
    play.until_document("data.name", "table")
    assert play.document["data"]["target"] == "kind"
    assert play.state["scene"]["classes"] == ["cat", "dog"]
    assert sum(play.state["scene"]["rows"].values()) == 40
    play.choose("target", "age")
    play.until_document("data.target", "age")
    assert play.state["metric"] == "r2"
    play.choose("target", "kind")
    play.until_document("data.target", "kind")
    play.choose("column-1", "height")
    play.until("store.state.document.data.columns !== null")
    play.choose("column-2", "weight")
    play.until_document("data.columns", ["height", "weight"])
    assert play.state["scene"]["axes"] == ["height", "weight"]
    play.step()
    expect(play.get("error")).to_be_hidden()


def test_a_csv_file_is_chosen(play: Playground) -> None:
    play.get("csv-file").set_input_files({"name": "animals.csv", "mimeType": "text/csv", "buffer": TABLE.encode()})
    play.until_document("data.name", "table")
    expect(play.get("target")).to_have_value("kind")


@pytest.mark.parametrize(
    ("header", "target"),
    [("area,town,price_eur", "price_eur"), ("area,town,rooms", "rooms"), ("town,Class,area", "Class")],
)
def test_the_target_is_named_so_or_the_last_column(play: Playground, header: str, target: str) -> None:
    texts = {"town": "AB", "Class": "yn"}
    rows = [[texts[name][i % 2] if name in texts else str(i) for name in header.split(",")] for i in range(30)]
    play.drop("houses.csv", "\n".join([header, *map(",".join, rows)]))
    play.until_document("data.name", "table")
    assert play.document["data"]["target"] == target
    expect(play.get("target")).to_have_value(target)


def test_long_names_of_columns_are_told_apart(play: Playground) -> None:
    rows = "".join(f"{row},{('seldom', 'often')[row % 2]},{row % 3}\n" for row in range(40))
    play.drop("plants.csv", "height,watered,kind\n" + rows)
    play.until_document("data.name", "table")
    for name in ("watered=often", "watered=seldom"):
        label = play.get("network").get_by_title(name)
        expect(label).to_have_text(name)
        left, right = label.evaluate(
            """(label) => {
              const [inner, outer] = [label.firstChild, label].map((each) => each.getBoundingClientRect());
              return [inner.left - outer.left, inner.right - outer.right];
            }"""
        )
        assert left < -5  # what is cut is the beginning
        assert abs(right) < 1


def test_what_is_left_out_of_a_table_is_told(play: Playground) -> None:
    rows = "".join(f"plant {row},{row % 7 if row % 50 else ''},{row % 5},{'ab'[row % 2]}\n" for row in range(200))
    play.drop("plants.csv", "id,height,leaves,species\n" + rows)
    play.until_document("data.target", "species")
    expect(play.get("left-out")).to_contain_text("Left out: id")
    expect(play.get("left-out")).to_contain_text("4 rows")
    play.step(2)
    assert sum(play.state["scene"]["rows"].values()) == 196


def test_a_refused_table_is_not_shown_as_if_in_use(play: Playground) -> None:
    rows = "".join(f"{row % 7},kind {row % 70}\n" for row in range(210))
    play.drop("plants.csv", "height,species\n" + rows)
    expect(play.get("table-refused")).to_contain_text("plants.csv")
    expect(play.get("table-refused")).to_contain_text("still in use")
    expect(play.get("target")).to_be_hidden()
    assert play.document["data"]["name"] == "moons"
    play.drop("animals.csv", TABLE)
    play.until_document("data.name", "table")
    expect(play.get("table-refused")).to_be_hidden()


def test_what_is_no_table_is_refused_in_words(play: Playground) -> None:
    before = play.document
    play.drop("empty.csv", "just,names\n")
    expect(play.get("error")).to_be_visible()
    expect(play.get("error")).to_contain_text("no rows")
    expect(play.get("table-refused")).to_contain_text("empty.csv")
    assert play.document == before
    play.step()


def stroke(play: Playground, left: float, right: float, height: float = 0.5) -> None:
    """Draw from left to right over the plane, in shares of its width and height."""
    box = play.get("plane").bounding_box()
    assert box is not None
    mouse = play.page.mouse
    y = box["y"] + height * box["height"]
    mouse.move(box["x"] + left * box["width"], y)
    mouse.down()
    mouse.move(box["x"] + right * box["width"], y, steps=12)
    mouse.up()


def dot(play: Playground, across: float) -> None:
    """Draw one point at half the plane's height."""
    box = play.get("plane").bounding_box()
    assert box is not None
    play.page.mouse.click(box["x"] + across * box["width"], box["y"] + 0.5 * box["height"])


def hold(play: Playground, kind: str) -> None:
    """Keep the server's messages of that kind from the page, from now on."""
    play.page.evaluate(
        """(kind) => {
          const { store } = window.handgrad;
          window.held ??= [];
          const before = store.receive;
          store.receive = (message) => message.kind === kind ? window.held.push(message) : before.call(store, message);
        }""",
        kind,
    )


def release(play: Playground) -> None:
    """Give the page the first message that was held."""
    play.store("Object.getPrototypeOf(store).receive.call(store, window.held.shift())")


def let_go(play: Playground) -> None:
    """Hold nothing any more, and give the page what was held."""
    play.store("delete store.receive && window.held.splice(0).forEach((message) => store.receive(message))")
