"""The addresses of stores are plain, or refused (bad inputs, channel U)."""

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stocksync.domain.origins import origin_from
from tests.unit.settings_kit import CANARY, store_problem


@pytest.mark.parametrize(
    ("url", "why"),
    [
        pytest.param("https://shop.example@evil.test/", "user names", id="U01"),
        pytest.param("https://shop.example\\@evil.test/", "blanks and back-slashes", id="U03"),
        pytest.param(" https://evil.test/", "blanks and back-slashes", id="U04"),
        pytest.param("https://shop.example\t.evil.test/", "blanks", id="U05"),
        pytest.param("//evil.test/x", "must begin with https://", id="U07"),
        pytest.param("https://shop.example./", "dot at the end", id="U11"),
        pytest.param("https://\u24e2hop.example/", "plain ASCII", id="U12"),
        pytest.param("https://sh\u043ep.example/", "plain ASCII", id="U13"),
        pytest.param("https://2852039166/", "a number that is not an address", id="U15"),
        pytest.param("https://[::ffff:169.254.169.254]/", "no store lives", id="U16"),
        pytest.param("file:///etc/passwd", "must begin with https://", id="U17"),
        pytest.param("http://shop", "loopback addresses only", id="C01"),
        pytest.param("https://u:p@shop", "user names", id="C02"),
        ("https://0x7f.1", "a number that is not an address"),
        ("https://0177.0.0.1", "a number that is not an address"),
        ("https://169.254.169.254", "no store lives"),
        ("https://0.0.0.0", "no store lives"),
        ("https://[::1", "must look like"),
        ("https://[:::]", "a number that is not an address"),
        ("https://", "must look like"),
        ("https://shop.example/api", "without path or query"),
        ("https://shop.example//", "without path or query"),
        ("https://shop.example?a=1", "without path or query"),
        ("https://shop.example#a", "without path or query"),
        ("https://shop.example:0", "a port is a number from 1 to 65535"),
        ("https://shop.example:70000", "a port is a number from 1 to 65535"),
        ("https://-shop.example", "must look like"),
        ("https://shop..example", "must look like"),
        (f"https://{'a.' * 130}example", "at most 253 letters"),
        ("http://127.0.0.1.evil.test", "loopback addresses only"),
        ("http://localhost.evil.test", "loopback addresses only"),
        ("http://192.168.1.5", "loopback addresses only"),
    ],
)
def test_an_address_that_can_be_misunderstood_is_refused(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        origin_from(url)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://shop.example", "https://shop.example"),
        ("https://shop.example/", "https://shop.example"),
        ("HTTPS://Shop.Example:443", "https://shop.example"),
        ("https://xn--bcher-kva.example:08443", "https://xn--bcher-kva.example:8443"),
        ("https://10.0.0.5", "https://10.0.0.5"),
        ("http://localhost:8001/", "http://localhost:8001"),
        ("http://127.9.9.9:80", "http://127.9.9.9"),
        ("http://[::1]:8001", "http://[::1]:8001"),
        # Right as an address: what makes these two evil is a store that sends us there, and
        # no connector follows what a store sends (bad inputs U08, U09).
        ("https://shop.example.evil.test", "https://shop.example.evil.test"),
        ("https://shop.example:8443", "https://shop.example:8443"),
    ],
)
def test_an_address_is_kept_in_its_plainest_form(url: str, origin: str) -> None:
    assert origin_from(url) == origin


@given(
    st.one_of(
        st.text(max_size=30),
        st.text("htps:/\\@.[]?#%a1x \t-_\u24e2", max_size=30),
        st.builds("{}{}{}".format, st.sampled_from(["https://", "http://"]),
                  st.text("ab1.x-_:[]@%", max_size=20), st.sampled_from(["", "/", ":1", ":99/"])),
    )
)  # fmt: skip
def test_an_accepted_address_means_the_same_to_every_parser(url: str) -> None:
    try:
        origin = origin_from(url)
    except ValueError:
        return
    parts, sent = urlsplit(origin), httpx.URL(origin)
    assert parts.hostname == sent.host
    assert parts.scheme == sent.scheme
    assert not (parts.path)
    assert not (parts.query)
    assert not (parts.fragment)
    assert not (parts.username)
    if parts.scheme == "http" and sent.host != "localhost":
        assert ipaddress.ip_address(sent.host).is_loopback
    assert origin_from(origin) == origin


def test_a_wrong_address_is_refused_with_its_line_and_is_not_repeated(tmp_path: Path) -> None:
    problem = store_problem(tmp_path, f"url: https://user:{CANARY}@shop.example")
    assert problem == (
        "stocksync.yaml:3: stores[0].url: user names and passwords do not belong in it; "
        "use the credential keys"
    )
