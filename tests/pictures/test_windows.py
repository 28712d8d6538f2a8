import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sinct.pictures.windows import Sides, choose_sides, spans, waste

few = settings(max_examples=100, deadline=None, derandomize=True)


@st.composite
def plans(draw: st.DrawFn) -> tuple[int, int, int, int]:
    """Length, window, halo and stride of an axis that can be divided."""
    stride = draw(st.integers(1, 4))
    length, halo = stride * draw(st.integers(1, 80)), stride * draw(st.integers(0, 8))
    return length, 2 * halo + stride + draw(st.integers(0, 40)), halo, stride


@few
@given(plans())
def test_kept_parts_cover_every_pixel_once(plan: tuple[int, int, int, int]) -> None:
    covered = [pixel for span in spans(*plan) for pixel in range(span.keep_start, span.keep_stop)]
    assert covered == list(range(plan[0]))


@few
@given(plans())
def test_halo_is_there_except_at_true_borders(plan: tuple[int, int, int, int]) -> None:
    length, _, halo, _ = plan
    for span in spans(*plan):
        assert span.start == 0 or span.keep_start - span.start == halo
        assert span.stop == length or span.stop - span.keep_stop == halo


@few
@given(plans())
def test_spans_read_at_most_a_window(plan: tuple[int, int, int, int]) -> None:
    assert all(0 < span.stop - span.start <= plan[1] for span in spans(*plan))


@few
@given(plans())
def test_spans_read_only_inside_the_axis(plan: tuple[int, int, int, int]) -> None:
    assert all(0 <= span.start < span.stop <= plan[0] for span in spans(*plan))


@few
@given(plans())
def test_spans_lie_on_the_stride(plan: tuple[int, int, int, int]) -> None:
    assert all(number % plan[3] == 0 for span in spans(*plan) for number in span)


@few
@given(plans())
def test_axis_that_fits_is_one_span(plan: tuple[int, int, int, int]) -> None:
    length, window, halo, stride = plan
    assume(length <= window)
    assert spans(length, window, halo, stride) == [(0, length, 0, length)]


def test_spans_of_an_example() -> None:
    assert spans(20, window=12, halo=2, stride=2) == [(0, 10, 0, 8), (6, 18, 8, 16), (14, 20, 16, 20)]


@pytest.mark.parametrize(("length", "halo"), [(21, 2), (20, 3)])
def test_axis_off_the_stride_is_refused(length: int, halo: int) -> None:
    with pytest.raises(
        ValueError, match=f"length {length} and halo {halo} must be multiples of the stride 2"
    ):
        spans(length, window=12, halo=halo, stride=2)


@pytest.mark.parametrize("window", [1, 8, 9])  # 9 leaves 1 px, which is less than the stride
def test_window_of_twice_the_halo_is_refused(window: int) -> None:
    message = f"a window of {window} px leaves nothing inside a halo of 4 px; enlarge it"
    with pytest.raises(ValueError, match=message):
        spans(20, window=window, halo=4, stride=2)


@few
@given(st.integers(1, 300), st.integers(1, 300), st.integers(10_000, 200_000))
def test_chosen_windows_fit_and_waste_no_more_than_square_ones(height: int, width: int, area: int) -> None:
    height, width, halo, stride = 4 * height, 4 * width, 16, 4
    chosen = choose_sides(height, width, halo, stride, lambda sides: sides.rows * sides.columns <= area)
    assert chosen is not None
    assert chosen.rows * chosen.columns <= area
    square = Sides(int(area**0.5), int(area**0.5))
    assert waste(height, width, chosen, halo, stride) <= waste(height, width, square, halo, stride) + 0.001


def test_picture_that_fits_is_one_window_without_waste() -> None:
    chosen = choose_sides(400, 300, 16, 4, lambda sides: True)
    assert chosen == Sides(400, 300)
    assert waste(400, 300, chosen, 16, 4) == 0


def test_too_little_memory_gives_no_windows() -> None:
    assert choose_sides(400, 300, 16, 4, lambda sides: sides.rows * sides.columns < 60 * 60) is None
