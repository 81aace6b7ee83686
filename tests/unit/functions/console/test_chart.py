"""The plot of the weeks shows each series by its own largest count (C1)."""

from console.chart import HEIGHT, SERIES, STEP, weekly_chart


def weeks(*paused: int) -> list[dict[str, object]]:
    """Return weeks with these pauses, no warnings, and one renewal each."""
    return [{"week": f"w{i}", "paused": n, "warned": 0, "renewed": 1}
            for i, n in enumerate(paused)]  # fmt: skip


def test_the_largest_week_fills_the_height_and_a_small_one_can_be_seen() -> None:
    """One pause beside a thousand is still two units high; none is no bar."""
    (name, most, bars), *_ = weekly_chart(weeks(0, 1, 500, 1000)).rows
    assert (name, most) == ("paused", 1000)
    assert [bar.height for bar in bars] == [0, 2, HEIGHT // 2, HEIGHT]
    assert [bar.x for bar in bars] == [0, STEP, 2 * STEP, 3 * STEP]
    assert [bar.count for bar in bars] == [0, 1, 500, 1000]


def test_each_series_has_its_row() -> None:
    """In the order of the table beside the plot."""
    chart = weekly_chart(weeks(3, 4))
    assert [(name, most) for name, most, _ in chart.rows] == list(
        zip(SERIES, (4, 0, 1), strict=True)
    )
    assert (chart.width, chart.is_empty) == (2 * STEP, False)


def test_weeks_without_anything_make_an_empty_plot() -> None:
    """No division by zero, and no week at all is empty too."""
    nothing = [{"week": "w", "paused": 0, "warned": 0, "renewed": 0}] * 26
    assert weekly_chart(nothing).is_empty
    assert weekly_chart([]).is_empty
