"""The egress part of the attack list, one table per kind of trick. Nothing here may ever reach a socket."""

from __future__ import annotations

import pytest

from connectors.stub_http import StubHttp
from eyeflow.catalog.model import Connection, Service
from eyeflow.connectors.guard import Guard, LoopbackPort, PrivateRange, Rules, rules_for
from eyeflow.connectors.http1 import Http1Transport
from eyeflow.connectors.transport import HttpRequest
from eyeflow.errors import CallError, EgressDenied

RULES = Rules("svc", ("api.example.com", "*.tenant.example"))
PUBLIC = "93.184.215.14"


class Names:
    """A resolver with a table; a list of answers is given one after the other."""

    def __init__(self, **table: list[tuple[str, ...]]) -> None:
        self.table = {name.replace("_", "."): answers for name, answers in table.items()}
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int) -> tuple[str, ...]:
        self.asked.append(host)
        if host not in self.table:
            raise OSError(8, "name unknown")
        answers = self.table[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]


REFUSED_ADDRESSES = {
    "private_10": "10.1.2.3",
    "private_172": "172.31.255.1",
    "private_192": "192.168.0.1",
    "loopback": "127.0.0.1",
    "loopback_far": "127.255.255.254",
    "link_local": "169.254.9.9",
    "cgnat": "100.64.0.1",
    "metadata_aws_gcp_azure": "169.254.169.254",
    "metadata_alibaba": "100.100.100.200",
    "metadata_azure_wire": "168.63.129.16",
    "metadata_oracle": "192.0.0.192",
    "metadata_aws_v6": "fd00:ec2::254",
    "unspecified": "0.0.0.0",
    "this_network": "0.1.2.3",
    "multicast": "224.0.0.1",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "documentation": "203.0.113.7",
    "benchmarking": "198.18.0.1",
    "relay_6to4": "192.88.99.1",
    "v6_loopback": "::1",
    "v6_unspecified": "::",
    "v6_mapped_loopback": "::ffff:127.0.0.1",
    "v6_mapped_public": "::ffff:93.184.215.14",
    "v6_compatible": "::7f00:1",
    "nat64_loopback": "64:ff9b::7f00:1",
    "nat64_local": "64:ff9b:1::1",
    "sixtofour_loopback": "2002:7f00:1::",
    "teredo": "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "isatap": "2001:470::5efe:7f00:1",
    "link_local_v6": "fe80::1",
    "site_local_v6": "fec0::1",
    "unique_local_v6": "fc00::1",
    "multicast_v6": "ff02::1",
    "discard_v6": "100::1",
    "documentation_v6": "2001:db8::1",
    "outside_2000": "4000::1",
}


@pytest.mark.parametrize("address", REFUSED_ADDRESSES.values(), ids=REFUSED_ADDRESSES.keys())
async def test_a_name_with_such_an_address_is_refused(address: str) -> None:
    guard = Guard(resolver=Names(api_example_com=[(address,)]))
    with pytest.raises(EgressDenied):
        await guard.addresses("api.example.com", 443)


@pytest.mark.parametrize("address", REFUSED_ADDRESSES.values(), ids=REFUSED_ADDRESSES.keys())
def test_such_a_literal_is_refused_even_where_the_connection_names_it(address: str) -> None:
    shown = f"[{address}]" if ":" in address else address
    rules = Rules("svc", (shown,))
    with pytest.raises(EgressDenied):
        Guard().judge(f"https://{shown}/", rules)


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
async def test_a_public_address_passes_unchanged(address: str) -> None:
    assert await Guard(resolver=Names(api_example_com=[(address,)])).addresses("api.example.com", 443) == (address,)


async def test_one_bad_record_among_several_refuses_them_all() -> None:
    guard = Guard(resolver=Names(api_example_com=[(PUBLIC, "10.0.0.1", PUBLIC)]))
    with pytest.raises(EgressDenied, match=r"10\.0\.0\.1"):
        await guard.addresses("api.example.com", 443)


async def test_an_address_with_a_scope_is_no_address() -> None:
    with pytest.raises(EgressDenied):
        await Guard(resolver=Names(api_example_com=[("fe80::1%eth0",)])).addresses("api.example.com", 443)


REFUSED_URLS = {
    "other_host": "https://evil.example/",
    "suffix_of_allowed": "https://api.example.com.evil.example/",
    "prefix_of_allowed": "https://evilapi.example.com/",
    "parent_of_wildcard": "https://tenant.example/",
    "wildcard_without_dot": "https://eviltenant.example/",
    "decimal_ipv4": "http://2130706433/",
    "hex_ipv4": "http://0x7f000001/",
    "hex_parts_ipv4": "http://0x7f.0.0.0x1/",
    "octal_ipv4": "http://0177.0.0.1/",
    "short_ipv4": "http://127.1/",
    "leading_zero_ipv4": "http://127.000.000.001/",
    "too_large_part": "http://256.1.1.1/",
    "user_name": "https://api.example.com@evil.example/",
    "user_name_allowed_host": "https://x@api.example.com/",
    "password": "https://u:p@api.example.com/",
    "trailing_dot": "https://api.example.com./",
    "trailing_dots": "https://api.example.com../",
    "empty_label": "https://api..example.com/",
    "cyrillic_homograph": "https://\u0430pi.example.com/",
    "fullwidth_letters": "https://\uff41pi.example.com/",
    "ideographic_full_stop": "https://api\u3002example.com/",
    "soft_hyphen": "https://api\u00ad.example.com/",
    "kelvin_sign": "https://api.example.com\u212a/",
    "circled_digits": "http://\u2460\u2461\u2466.0.0.1/",
    "backslash_before_host": "https:\\\\api.example.com/",
    "backslash_in_authority": "https://evil.example\\@api.example.com/",
    "backslash_in_path": "https://api.example.com/a\\b",
    "tab": "https://api.exa\tmple.com/",
    "newline": "https://api.example.com/\r\nHost: evil.example",
    "nul": "https://api.example.com/\x00",
    "leading_space": " https://api.example.com/",
    "c1_control": "https://api.example.com/\x85",
    "surrogate": "https://api.example.com/\ud800",
    "percent_in_host": "https://api%2eexample.com/",
    "percent_dot_zero": "https://127%2e0%2e0%2e1/",
    "file": "file:///etc/passwd",
    "file_with_host": "file://api.example.com/etc/passwd",
    "gopher": "gopher://api.example.com:70/_GET",
    "ftp": "ftp://api.example.com/",
    "dict": "dict://api.example.com:11211/stats",
    "data": "data:text/plain,x",
    "javascript": "javascript:alert(1)",
    "unix_socket": "unix:///var/run/docker.sock",
    "http_plus_unix": "http+unix://%2Fvar%2Frun%2Fdocker.sock/info",
    "web_socket": "ws://api.example.com/",
    "relative": "/latest/meta-data",
    "scheme_relative": "//api.example.com/",
    "no_slashes": "https:api.example.com/",
    "no_host": "https:///path",
    "no_host_but_port": "https://:443/",
    "other_port": "https://api.example.com:8443/",
    "port_of_other_scheme": "https://api.example.com:80/",
    "ssh_port": "http://api.example.com:22/",
    "port_zero": "https://api.example.com:0/",
    "port_too_large": "https://api.example.com:65979/",
    "port_with_sign": "https://api.example.com:+443/",
    "port_other_digits": "https://api.example.com:\u0664\u0664\u0663/",
    "two_ports": "https://api.example.com:443:22/",
    "ipv6_zone": "http://[fe80::1%25eth0]/",
    "ipv6_unclosed": "http://[::1/",
    "ipv6_tail": "http://[::1]evil.example/",
    "ipv6_v_future": "http://[v1.x]/",
    "empty": "",
    "huge": "https://api.example.com/" + "a" * 20_000,
    "long_label": "https://" + "a" * 64 + ".tenant.example/",
}


@pytest.mark.parametrize("url", REFUSED_URLS.values(), ids=REFUSED_URLS.keys())
def test_such_a_url_is_refused_with_a_typed_error(url: str) -> None:
    with pytest.raises(EgressDenied) as caught:
        Guard().judge(url, RULES)
    assert (caught.value.kind, caught.value.code) == ("denied", "egress_denied")
    assert caught.value.message.isascii() and "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("url", "connects"),
    [
        ("https://api.example.com/", ("api.example.com", 443)),
        ("HTTPS://API.Example.COM/x?y=1#fragment", ("api.example.com", 443)),
        ("https://a.b.tenant.example/", ("a.b.tenant.example", 443)),
        ("https://api.example.com:443/", ("api.example.com", 443)),
        ("http://api.example.com", ("api.example.com", 80)),
    ],
)
def test_a_catalog_host_is_reached(url: str, connects: tuple[str, int]) -> None:
    target = Guard().judge(url, RULES)
    assert (target.host, target.port) == connects


def test_a_path_beyond_ascii_is_encoded_and_a_fragment_never_sent() -> None:
    target = Guard().judge("https://api.example.com/caf\u00e9?q=\u6771%20x#secret", RULES)
    assert target.url is not None
    assert target.url.target == "/caf%C3%A9?q=%E6%9D%B1%20x"


def test_a_named_port_is_reached_and_replaces_the_usual_one() -> None:
    rules = Rules("svc", ("api.example.com:8443",))
    assert Guard().judge("https://api.example.com:8443/", rules).port == 8443
    with pytest.raises(EgressDenied):
        Guard().judge("https://api.example.com/", rules)


@pytest.mark.parametrize("pattern", ["*", "*.", "*.com", "a.*.com", "", "**.example.com"])
def test_a_pattern_that_is_too_wide_matches_nothing(pattern: str) -> None:
    with pytest.raises(EgressDenied):
        Guard().judge("https://a.example.com/", Rules("svc", (pattern,)))


def test_a_connection_narrows_its_service_and_never_widens_it() -> None:
    service = Service(
        id="crm", title="CRM", type="x", connector="http", hosts=("*.crm.example", "{site}.onsite.example")
    )
    connection = Connection(
        name="c", service="crm", hosts=("eu.crm.example", "evil.example"), settings=(("site", "acme"),)
    )
    rules = rules_for(service, connection)
    assert Guard().judge("https://eu.crm.example/", rules).host == "eu.crm.example"
    for host in ("us.crm.example", "evil.example"):
        with pytest.raises(EgressDenied):
            Guard().judge(f"https://{host}/", rules)
    filled = rules_for(service, Connection(name="c", service="crm", settings=(("site", "acme"),)))
    assert Guard().judge("https://acme.onsite.example/", filled).host == "acme.onsite.example"


def test_a_service_without_hosts_reaches_only_what_its_connection_names() -> None:
    service = Service(id="http", title="HTTP", type="x", connector="http")
    with pytest.raises(EgressDenied, match="may not reach"):
        Guard().judge("https://x.example.com/", rules_for(service, Connection(name="http", service="http")))
    named = rules_for(service, Connection(name="http", service="http", hosts=("x.example.com",)))
    assert Guard().judge("https://x.example.com/", named).host == "x.example.com"


def test_a_credential_never_goes_out_in_the_clear() -> None:
    with pytest.raises(EgressDenied, match="in the clear"):
        Guard().judge("http://api.example.com/", RULES, confidential=True)
    assert Guard().judge("https://api.example.com/", RULES, confidential=True).port == 443


async def test_an_operator_opens_a_private_range_for_named_hosts_only() -> None:
    allow = (PrivateRange("intranet", ("wiki.corp.example",), ("10.20.0.0/16",)),)
    names = Names(
        wiki_corp_example=[("10.20.1.1",)], other_corp_example=[("10.20.1.1",)], far_corp_example=[("10.99.0.1",)]
    )
    guard = Guard(allow=allow, resolver=names)
    assert await guard.addresses("wiki.corp.example", 443) == ("10.20.1.1",)
    for host in ("other.corp.example", "far.corp.example"):
        with pytest.raises(EgressDenied):
            await guard.addresses(host, 443)


@pytest.mark.parametrize("address", ["169.254.169.254", "fd00:ec2::254", "224.0.0.1", "0.0.0.0", "64:ff9b::7f00:1"])
async def test_an_operator_cannot_open_metadata_multicast_or_tunnels(address: str) -> None:
    allow = (PrivateRange("all", ("api.example.com",), ("0.0.0.0/0", "::/0")),)
    with pytest.raises(EgressDenied):
        await Guard(allow=allow, resolver=Names(api_example_com=[(address,)])).addresses("api.example.com", 443)


async def test_refusal_happens_before_any_connect() -> None:
    async with StubHttp() as stub:
        urls = [
            f"http://127.0.0.1:{stub.port}/",
            f"http://localhost:{stub.port}/",
            f"http://2130706433:{stub.port}/",
            f"http://127.1:{stub.port}/",
            f"http://[::ffff:127.0.0.1]:{stub.port}/",
            f"http://api.example.com:{stub.port}/",
        ]
        hosts = (f"127.0.0.1:{stub.port}", f"localhost:{stub.port}", f"api.example.com:{stub.port}")
        names = Names(localhost=[("127.0.0.1",)], api_example_com=[("127.0.0.1",)])
        transport = Http1Transport(Guard(resolver=names))
        for url in urls:
            with pytest.raises(EgressDenied):
                await transport.send(HttpRequest(method="GET", url=url, rules=Rules("svc", hosts)))
            with pytest.raises(EgressDenied):
                await transport.warm(url, Rules("svc", hosts))
        await transport.close()
        assert stub.accepts == 0


async def test_rebinding_gains_nothing_as_the_judged_address_is_the_connected_one() -> None:
    async with StubHttp() as stub:
        names = Names(api_example_com=[("127.0.0.1",), ("169.254.169.254",)])
        allow = (PrivateRange("here", ("api.example.com",), ("127.0.0.0/8",)),)
        guard = Guard(allow=allow, resolver=names)
        transport = Http1Transport(guard)
        request = HttpRequest(
            method="GET",
            url=f"http://api.example.com:{stub.port}/",
            rules=Rules("svc", (f"api.example.com:{stub.port}",)),
        )
        assert (await transport.send(request)).status == 200
        assert names.asked == ["api.example.com"], "resolved once: what was judged was connected"
        with pytest.raises(EgressDenied, match="metadata"):
            await guard.addresses("api.example.com", stub.port)
        await transport.close()


async def test_the_socket_itself_is_judged_as_the_last_gate() -> None:
    guard = Guard()
    assert guard.admits(PUBLIC, 443)
    assert not guard.admits("127.0.0.1", 80)
    assert not guard.admits("/var/run/docker.sock", 0)
    practice = Guard(practice={"svc": LoopbackPort("127.0.0.1", 4000)})
    assert practice.admits("127.0.0.1", 4000)
    assert not practice.admits("127.0.0.1", 4001)
    assert not practice.admits(PUBLIC, 443), "in practice nothing public is reached"


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"])
async def test_proxy_variables_of_the_environment_are_ignored(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with StubHttp() as proxy, StubHttp() as stub:
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "")
        transport = Http1Transport(Guard(practice={"svc": LoopbackPort("127.0.0.1", stub.port)}))
        await transport.send(HttpRequest(method="GET", url="https://api.example.com/x", rules=RULES))
        await transport.close()
        assert (proxy.accepts, stub.accepts) == (0, 1)


async def test_practice_judges_the_catalog_url_first_then_goes_to_its_one_port() -> None:
    async with StubHttp() as stub, StubHttp() as other:
        guard = Guard(practice={"svc": LoopbackPort("127.0.0.1", stub.port)})
        transport = Http1Transport(guard)
        ok = await transport.send(HttpRequest(method="GET", url="https://api.example.com/a?b=1", rules=RULES))
        assert ok.practice and ok.url == "https://api.example.com/a?b=1"
        assert stub.heads[0].startswith("GET /a?b=1 HTTP/1.1\r\n") and "Host: api.example.com\r\n" in stub.heads[0]
        for url in ("https://evil.example/", f"http://127.0.0.1:{other.port}/", f"http://127.0.0.1:{stub.port}/"):
            with pytest.raises(EgressDenied):
                await transport.send(HttpRequest(method="GET", url=url, rules=RULES))
        with pytest.raises(EgressDenied, match="no practice service"):
            await transport.send(
                HttpRequest(method="GET", url="https://api.example.com/", rules=Rules("unmapped", RULES.hosts))
            )
        await transport.close()
        assert (stub.accepts, other.accepts) == (1, 0)


async def test_an_unknown_name_is_transient_and_says_so() -> None:
    with pytest.raises(CallError) as caught:
        await Guard(resolver=Names()).addresses("api.example.com", 443)
    assert (caught.value.kind, caught.value.code) == ("transient", "name_not_found")


async def test_protocol_drivers_ask_the_same_guard() -> None:
    guard = Guard(resolver=Names(mail_example_com=[(PUBLIC,)], db_example_com=[("10.0.0.9",)]))
    rules = Rules("email", ("mail.example.com", "db.example.com"))
    assert await guard.dial(guard.judge_host("smtp", "mail.example.com", 587, rules)) == (PUBLIC, 587)
    with pytest.raises(EgressDenied):
        guard.judge_host("smtp", "mail.example.com", 22, rules)
    with pytest.raises(EgressDenied):
        await guard.dial(guard.judge_host("postgres", "db.example.com", 5432, rules))
