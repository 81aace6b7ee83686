"""Sizes are compared for each mentor, and too much growth is named."""

from bench.scale.figures import Figure, Figures, too_large


def figures(mentors: int, calls: float, item: float) -> Figures:
    """Return two figures: one may grow with the mentors, one has to stay the same."""
    return Figures(
        mentors, [Figure("calls", calls), Figure("largest item", item, compared="as it is")]
    )


def test_a_figure_may_grow_with_the_mentors() -> None:
    """Twenty per cent more for each mentor is tolerated."""
    before = figures(10_000, calls=10_000, item=7_000)
    assert too_large(before, figures(100_000, calls=119_000, item=7_000)) == []
    assert too_large(before, figures(100_000, calls=121_000, item=7_000)) == ["calls"]


def test_a_figure_that_has_to_stay_the_same_may_not_grow() -> None:
    """Ten times the mentors do not excuse an item of twice the size."""
    before = figures(10_000, calls=10_000, item=7_000)
    assert too_large(before, figures(100_000, calls=100_000, item=14_000)) == ["largest item"]


def test_sizes_below_ten_thousand_are_not_compared() -> None:
    """The costs of a night that do not depend on its mentors hide the growth there."""
    assert too_large(figures(100, 1, 1), figures(1_000, 100, 100)) == []
