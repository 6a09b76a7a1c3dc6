"""The order of the sessions of an activity report, ties included.

agentsview sorts with an unstable but deterministic algorithm, so which of two sessions
with equal minutes comes first follows from the whole sequence of minutes and nothing else. This is
that algorithm, the pattern-defeating quicksort of Go's `sort.Slice`, move by move.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST_INSERTION: Final = 12
_SHORTEST_SHIFTED: Final = 50
_MOST_SHIFTS: Final = 5
_SHORTEST_MEDIAN: Final = 8
_SHORTEST_NINTHER: Final = 50
_MOST_EXCHANGES: Final = 12
_UINT64: Final = 2**64 - 1


def descending_order(values: Sequence[float]) -> list[int]:
    """Return the positions of `values` in the order in which agentsview lists them.

    Args:
        values: The minutes of each session, in the order of session ids.
    """
    keys = [-value for value in values]
    if len(keys) <= _LONGEST_INSERTION or len(set(keys)) == len(keys):
        return sorted(range(len(keys)), key=keys.__getitem__)
    slots = _PatternDefeating(keys)
    slots.sort(0, len(keys), len(keys).bit_length())
    return slots.order


class _Slots:
    """Keys being put into ascending order, and the positions that they came from.

    What is here sorts by itself; which way is taken is decided below.

    Bounds are half-open: `low` belongs to the slots that a method works on, `high` does not.
    """

    def __init__(self, keys: list[float]) -> None:
        self.order = list(range(len(keys)))
        self._keys = keys

    def _swap(self, one: int, other: int) -> None:
        keys, order = self._keys, self.order
        keys[one], keys[other] = keys[other], keys[one]
        order[one], order[other] = order[other], order[one]

    def _reverse(self, low: int, high: int) -> None:
        self._keys[low:high] = self._keys[low:high][::-1]
        self.order[low:high] = self.order[low:high][::-1]

    def _insert(self, low: int, high: int) -> None:
        """Sort by insertion, which is stable, so that the library's own stable sort may do it."""
        keys, order = self._keys, self.order
        places = sorted(range(low, high), key=keys.__getitem__)
        order[low:high] = [order[place] for place in places]
        keys[low:high] = [keys[place] for place in places]

    def _sort_as_heap(self, low: int, high: int) -> None:
        size = high - low
        for root in range((size - 1) // 2, -1, -1):
            self._sift_down(root, size, low)
        for last in range(size - 1, -1, -1):
            self._swap(low, low + last)
            self._sift_down(0, last, low)

    def _sift_down(self, root: int, size: int, low: int) -> None:
        keys = self._keys
        while (child := 2 * root + 1) < size:
            if child + 1 < size and keys[low + child] < keys[low + child + 1]:
                child += 1
            if not keys[low + root] < keys[low + child]:
                return
            self._swap(low + root, low + child)
            root = child


class _PatternDefeating(_Slots):
    """Quicksort that looks for patterns, and gives way to a heap where it is led astray."""

    def sort(self, low: int, high: int, budget: int) -> None:
        """Sort slots; `budget` is how often patterns may be broken before a heap takes over."""
        balanced = partitioned = True
        while (length := high - low) > _LONGEST_INSERTION:
            if budget == 0:
                self._sort_as_heap(low, high)
                return
            if not balanced:
                self._break_patterns(low, length)
                budget -= 1
            pivot, exchanges = self._choose_pivot(low, length)
            if exchanges == _MOST_EXCHANGES:
                self._reverse(low, high)
                pivot = high - 1 - (pivot - low)
            looks_sorted = exchanges in (0, _MOST_EXCHANGES)
            if balanced and partitioned and looks_sorted and self._sort_nearly_sorted(low, high):
                return
            if low > 0 and not self._keys[low - 1] < self._keys[pivot]:
                low = self._skip_equal(low, high, pivot)
                continue
            middle, partitioned = self._partition(low, high, pivot)
            left, right = middle - low, high - middle
            balanced = min(left, right) >= length // 8
            if left < right:
                self.sort(low, middle, budget)
                low = middle + 1
            else:
                self.sort(middle + 1, high, budget)
                high = middle
        self._insert(low, high)

    def _break_patterns(self, low: int, length: int) -> None:
        """Swap three slots near the middle with ones drawn at random, the length being the seed."""
        draw = length
        for near in range(low + length // 4 * 2 - 1, low + length // 4 * 2 + 2):
            draw ^= draw << 13 & _UINT64
            draw ^= draw >> 7
            draw ^= draw << 17 & _UINT64
            other = draw & ((1 << length.bit_length()) - 1)
            self._swap(near, low + (other - length if other >= length else other))

    def _choose_pivot(self, low: int, length: int) -> tuple[int, int]:
        """Return a pivot's slot, and how many comparisons on the way found a wrong order."""
        places = [low + length // 4 * part for part in (1, 2, 3)]
        exchanges = 0
        if length >= _SHORTEST_NINTHER:
            for part, place in enumerate(places):
                places[part], more = self._median(place - 1, place, place + 1)
                exchanges += more
        if length < _SHORTEST_MEDIAN:
            return places[1], exchanges
        pivot, more = self._median(*places)
        return pivot, exchanges + more

    def _median(self, one: int, two: int, three: int) -> tuple[int, int]:
        keys, exchanges = self._keys, 0
        if keys[two] < keys[one]:
            one, two, exchanges = two, one, exchanges + 1
        if keys[three] < keys[two]:
            two, three, exchanges = three, two, exchanges + 1
        if keys[two] < keys[one]:
            one, two, exchanges = two, one, exchanges + 1
        return two, exchanges

    def _sort_nearly_sorted(self, low: int, high: int) -> bool:
        """Move a few slots that are out of order; tell whether all are in order then."""
        keys = self._keys
        at = low + 1
        for _ in range(_MOST_SHIFTS):
            while at < high and not keys[at] < keys[at - 1]:
                at += 1
            if at == high:
                return True
            if high - low < _SHORTEST_SHIFTED:
                return False
            self._swap(at, at - 1)
            if at - low >= 2:  # noqa: PLR2004 - there is a slot before the two just swapped
                self._shift(range(at - 1, 0, -1))
            if high - at >= 2:  # noqa: PLR2004 - there is a slot after them
                self._shift(range(at + 1, high))
        return False

    def _shift(self, places: range) -> None:
        for place in places:
            if not self._keys[place] < self._keys[place - 1]:
                return
            self._swap(place, place - 1)

    def _skip_equal(self, low: int, high: int, pivot: int) -> int:
        """Gather the slots that equal the pivot, the least of all, and return the one after."""
        keys, (left, right) = self._keys, (low + 1, high - 1)
        self._swap(low, pivot)
        while True:
            while left <= right and not keys[low] < keys[left]:
                left += 1
            while left <= right and keys[low] < keys[right]:
                right -= 1
            if left > right:
                return left
            self._swap(left, right)
            left, right = left + 1, right - 1

    def _partition(self, low: int, high: int, pivot: int) -> tuple[int, bool]:
        """Part slots below the pivot from others; return its slot, and whether none moved."""
        keys, (left, right), moved = self._keys, (low + 1, high - 1), False
        self._swap(low, pivot)
        while True:
            while left <= right and keys[left] < keys[low]:
                left += 1
            while left <= right and not keys[right] < keys[low]:
                right -= 1
            if left > right:
                self._swap(right, low)
                return right, not moved
            self._swap(left, right)
            moved, left, right = True, left + 1, right - 1
