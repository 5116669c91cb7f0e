"""IPv4 ranges: what a person typed is read, or a sentence says how to write it."""

from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clusters import networks

ranges = st.builds(
    lambda bits, size: IPv4Network((bits, size), strict=False), st.integers(0, 2**32 - 1), st.integers(0, 32)
)


@pytest.mark.parametrize("text", ["172.20.0.0/20", "0.0.0.0/0", "10.0.0.1/32", " 100.64.0.0/19 ", "10.0.0.0/8"])
def test_a_range_is_read(text: str) -> None:
    assert networks.parse(text) == IPv4Network(text.strip())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("172.20.0.1/22", "172.20.0.1/22 has host bits set; did you mean 172.20.0.0/22?"),
        ("172.20.17.0/20", "172.20.17.0/20 has host bits set; did you mean 172.20.16.0/20?"),
        ("172.20.0.0", "Write the range with its size, for example 172.20.0.0/20."),
        ("10.1.2.3", "Write the range with its size, for example 10.1.0.0/20."),
        ("big", "Write the range with its size, for example 172.20.0.0/20."),
        ("", "Write the range with its size, for example 172.20.0.0/20."),
        ("fd00::/8", "This is an IPv6 range; Astro takes IPv4, for example 172.20.0.0/20."),
        ("172.20.0/20", "“172.20.0/20” is not a range. Write it like 172.20.0.0/20."),
        ("172.20.0.256/20", "“172.20.0.256/20” is not a range. Write it like 172.20.0.0/20."),
        ("010.0.0.0/8", "“010.0.0.0/8” is not a range. Write it like 172.20.0.0/20."),
        ("/20", "“/20” is not a range. Write it like 172.20.0.0/20."),
        ("172.20.0.0 /20", "“172.20.0.0 /20” is not a range. Write it like 172.20.0.0/20."),
        ("172.20.0.0/33", "The size after the slash has to be a number up to 32, for example 172.20.0.0/20."),
        ("172.20.0.0/", "The size after the slash has to be a number up to 32, for example 172.20.0.0/20."),
        ("172.20.0.0/-1", "The size after the slash has to be a number up to 32, for example 172.20.0.0/20."),
        ("172.20.0.0/20/1", "The size after the slash has to be a number up to 32, for example 172.20.0.0/20."),
        ("10.0.0.0/255.0.0.0", "The size after the slash has to be a number up to 32, for example 172.20.0.0/20."),
        ("172.20.0.0/٢٠", "The size after the slash has to be a number up to 32, for example 172.20.0.0/20."),
    ],
)
def test_what_is_no_range_is_answered_with_the_way_out(text: str, sentence: str) -> None:
    with pytest.raises(ValueError) as fault:
        networks.parse(text)
    assert str(fault.value) == sentence


@given(ranges)
def test_each_range_is_read_back_as_it_was(network: IPv4Network) -> None:
    assert networks.parse(str(network)) == network
    assert networks.cidr(str(network)) == str(network)


@given(ranges, st.integers(1, 2**32 - 1))
def test_host_bits_are_pointed_out_with_the_range_that_was_meant(network: IPv4Network, offset: int) -> None:
    inside = network[offset % network.num_addresses]
    if inside == network.network_address:
        assert networks.parse(f"{inside}/{network.prefixlen}") == network
    else:
        with pytest.raises(ValueError, match=f"did you mean {network}\\?"):
            networks.parse(f"{inside}/{network.prefixlen}")


@given(st.text(max_size=30) | st.from_regex(r"[0-9./:]{0,24}", fullmatch=True))
def test_any_text_is_a_range_or_gets_a_sentence(text: str) -> None:
    try:
        assert isinstance(networks.parse(text), IPv4Network)
    except ValueError as fault:
        assert str(fault)[-1] in ".?"  # noqa: PT017 - most texts are no ranges, some are
    assert networks.parsed(text) is None or networks.cidr(text)


@pytest.mark.parametrize("other", [None, 7, ["10.0.0.0/8"], b"10.0.0.0/8"])
def test_what_is_no_text_is_no_range(other: object) -> None:
    assert networks.parsed(other) is None


@pytest.mark.parametrize("size", [16, 17, 20])
def test_a_size_within_bounds_is_fine(size: int) -> None:
    assert networks.sized(f"10.0.0.0/{size}", largest=16, smallest=20)


@pytest.mark.parametrize(("size", "word"), [(15, "larger"), (21, "smaller")])
def test_a_size_out_of_bounds_names_them(size: int, word: str) -> None:
    with pytest.raises(ValueError, match=f"^/{size} is {word} than allowed. Choose a size from /16 to /20.$"):
        networks.sized(f"0.0.0.0/{size}", largest=16, smallest=20)


def test_overlapping_pairs_come_in_the_order_of_the_form() -> None:
    given_ranges = {
        "vpc": IPv4Network("10.0.0.0/16"),
        "pods": IPv4Network("10.0.4.0/22"),
        "services": IPv4Network("10.1.0.0/22"),
        "peering": IPv4Network("10.0.0.0/8"),
    }
    assert networks.overlaps(given_ranges) == [
        ("vpc", "pods"),
        ("vpc", "peering"),
        ("pods", "peering"),
        ("services", "peering"),
    ]


@given(ranges, ranges)
def test_two_ranges_overlap_exactly_where_one_holds_the_other(one: IPv4Network, other: IPv4Network) -> None:
    nested = one.subnet_of(other) or other.subnet_of(one)
    assert networks.overlaps({"one": one, "other": other}) == ([("one", "other")] if nested else [])


@pytest.mark.parametrize("text", ["10.0.0.0/8", "172.16.0.0/12", "172.31.255.0/24", "192.168.4.0/22", "100.64.0.0/10"])
def test_private_address_space(text: str) -> None:
    assert networks.is_private(IPv4Network(text))


@pytest.mark.parametrize(
    "text", ["8.8.8.0/24", "172.32.0.0/16", "172.0.0.0/8", "100.0.0.0/8", "192.0.0.0/8", "0.0.0.0/0"]
)
def test_what_reaches_beyond_it_is_not_private(text: str) -> None:
    assert not networks.is_private(IPv4Network(text))
