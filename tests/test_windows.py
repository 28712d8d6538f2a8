import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sinct.windows import spans, windows

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


def test_windows_are_all_pairs_in_reading_order() -> None:
    rows, columns = spans(20, 12, 2, 2), spans(14, 12, 2, 2)
    assert list(windows(20, 14, 12, 2, 2)) == [(row, column) for row in rows for column in columns]
