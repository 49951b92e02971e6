"""The registrar: who may register, for how long, and where a telephone is then reached."""

from __future__ import annotations

from channels.sip.connections import Target
from channels.sip.digest import Challenge, Credentials, DigestServer, authorization, challenge_of
from channels.sip.headers import Headers
from channels.sip.message import Request, Response
from channels.sip.registrar import Expiry, Registrar

HERE = Target("udp", "192.0.2.10", 5062)


class Hotline:
    """A registrar with one telephone, and what it told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.registrar = Registrar(
            {"8001": "invented", "8002": "another"},
            DigestServer("hotline", b"key"),
            expiry=Expiry(default=300, least=30, most=600),
            on_registered=lambda user: self.told.append(("registered", user)),
            on_gone=lambda user: self.told.append(("gone", user)),
        )

    def send(
        self,
        *contacts: str,
        expires: str | None = None,
        user: str = "8001",
        password: str | None = "invented",
        to: str | None = None,
        number: int = 1,
        call_id: str = "call",
        now: float = 0.0,
        source: Target = HERE,
        rport: str = ";rport",
    ) -> Response:
        request = Request(method="REGISTER", uri="sip:hotline", headers=Headers())
        request.headers.add("Via", f"SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1{rport}")
        request.headers.add("From", f"<sip:{to or user}@hotline>;tag=a")
        request.headers.add("To", f"<sip:{to or user}@hotline>")
        request.headers.add("Call-ID", call_id)
        request.headers.add("CSeq", f"{number} REGISTER")
        for contact in contacts:
            request.headers.add("Contact", contact)
        if expires is not None:
            request.headers.add("Expires", expires)
        challenged = self.registrar.register(request, source, now, to_tag="t")
        if password is None:
            return challenged
        challenge = challenge_of(challenged)
        assert isinstance(challenge, Challenge)
        who = Credentials(user=user, password=password)
        request.headers.add(*authorization(challenge, who, method="REGISTER", uri=request.uri))
        return self.registrar.register(request, source, now, to_tag="t")


def test_a_telephone_registers_and_is_reached_the_way_it_came() -> None:
    hotline = Hotline()
    response = hotline.send("<sip:8001@10.0.0.1:5060>;expires=120")
    binding = hotline.registrar.contact("8001")

    assert response.status == 200
    assert response.headers.all("Contact") == ["<sip:8001@10.0.0.1:5060>;expires=120"]
    assert binding is not None
    assert binding.target == HERE
    assert hotline.registrar.user_at(HERE) == "8001"
    assert hotline.registrar.is_home_of_telephones("192.0.2.10")
    assert hotline.told == [("registered", "8001")]


def test_unknown_users_and_wrong_passwords_are_challenged_alike() -> None:
    hotline = Hotline()
    answers = [
        hotline.send("<sip:x@10.0.0.1>", password=None),
        hotline.send("<sip:x@10.0.0.1>", password="wrong"),
        hotline.send("<sip:x@10.0.0.1>", user="nobody", password="invented"),
    ]

    assert {answer.status for answer in answers} == {401}
    assert len({tuple(name for name, _ in answer.headers) for answer in answers}) == 1
    assert hotline.told == []


def test_nobody_registers_for_somebody_else() -> None:
    hotline = Hotline()

    assert hotline.send("<sip:x@10.0.0.1>", to="8002").status == 403
    assert hotline.registrar.contact("8002") is None


def test_a_registration_expires() -> None:
    hotline = Hotline()
    hotline.send("<sip:8001@10.0.0.1>")

    assert hotline.registrar.next_deadline() == 300.0
    hotline.registrar.expire(299.0)
    assert hotline.registrar.contact("8001") is not None
    hotline.registrar.expire(300.0)
    assert hotline.registrar.contact("8001") is None
    assert hotline.registrar.next_deadline() is None
    assert hotline.told == [("registered", "8001"), ("gone", "8001")]


def test_refreshing_is_no_news_and_prolongs() -> None:
    hotline = Hotline()
    hotline.send("<sip:8001@10.0.0.1>", expires="60")
    hotline.send("<sip:8001@10.0.0.1>", expires="9999", number=2, now=50.0)

    assert hotline.registrar.next_deadline() == 650.0
    assert hotline.told == [("registered", "8001")]


def test_too_short_is_423_and_unregistering_is_not_too_short() -> None:
    hotline = Hotline()
    brief = hotline.send("<sip:8001@10.0.0.1>", expires="5")
    hotline.send("<sip:8001@10.0.0.1>")
    gone = hotline.send("<sip:8001@10.0.0.1>;expires=0", number=3)

    assert (brief.status, brief.headers.get("Min-Expires")) == (423, "30")
    assert gone.status == 200
    assert "Contact" not in gone.headers
    assert hotline.told[-1] == ("gone", "8001")


def test_all_contacts_are_unregistered_by_a_star_with_expires_zero_only() -> None:
    hotline = Hotline()
    hotline.send("<sip:8001@10.0.0.1>", "<sip:8001@10.0.0.2>")

    assert hotline.send("*", number=2).status == 400
    assert hotline.send("*", "<sip:8001@10.0.0.1>", expires="0", number=3).status == 400
    assert hotline.send("*", expires="0", number=4).status == 200
    assert hotline.registrar.contact("8001") is None


def test_the_contact_registered_last_is_rung_and_a_query_lists_all() -> None:
    hotline = Hotline()
    hotline.send("<sip:8001@10.0.0.1>")
    hotline.send("<sip:8001@10.0.0.2>", number=2)
    hotline.send("<sip:8001@10.0.0.1>", number=3)
    listed = hotline.send(number=4)
    binding = hotline.registrar.contact("8001")

    assert binding is not None
    assert binding.contact.host == "10.0.0.1"
    assert len(listed.headers.all("Contact")) == 2


def test_no_more_than_five_contacts_are_kept() -> None:
    hotline = Hotline()
    for number in range(1, 9):
        hotline.send(f"<sip:8001@10.0.0.{number}>", number=number)

    assert len(hotline.send(number=9).headers.all("Contact")) == 5


def test_an_older_request_that_comes_late_changes_nothing() -> None:
    hotline = Hotline()
    hotline.send("<sip:8001@10.0.0.1>", number=5)

    assert hotline.send("<sip:8001@10.0.0.2>", number=4).status == 500
    assert hotline.send("<sip:8001@10.0.0.2>", number=1, call_id="restarted").status == 200


def test_a_malformed_contact_is_400() -> None:
    assert Hotline().send("<sip:").status == 400


def test_without_rport_the_contact_says_where_to_call() -> None:
    hotline = Hotline()
    hotline.send("<sip:8001@192.0.2.10:5099>", rport="")
    named = hotline.registrar.contact("8001")
    hotline.send("<sip:8001@phone.invalid>", rport="", number=2)
    unnamed = hotline.registrar.contact("8001")

    assert named is not None
    assert named.target == Target("udp", "192.0.2.10", 5099)
    assert unnamed is not None
    assert unnamed.target == HERE
