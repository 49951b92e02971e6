"""The vendors' signatures against the examples in the vendors' own documents."""

from __future__ import annotations

from datetime import UTC, datetime

from channels.sms.cloud.signing import acs3_authorization, canonical_query, tc3_authorization

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_alibaba_clouds_published_example() -> None:
    """help.aliyun.com, "V3版本请求体&签名机制"."""
    authorization = acs3_authorization(
        "YourAccessKeyId",
        "YourAccessKeySecret",
        method="POST",
        path="/",
        query=canonical_query(
            {"RegionId": "cn-shanghai", "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"}
        ),
        headers={
            "host": "ecs.cn-shanghai.aliyuncs.com",
            "x-acs-action": "RunInstances",
            "x-acs-content-sha256": EMPTY,
            "x-acs-date": "2023-10-26T10:22:32Z",
            "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
            "x-acs-version": "2014-05-26",
        },
        body=b"",
    )

    assert authorization == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;"
        "x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


def test_tencent_clouds_published_example() -> None:
    """cloud.tencent.com, "签名方法 v3"."""
    authorization = tc3_authorization(
        "an-id",
        "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
        service="cvm",
        at=datetime.fromtimestamp(1551113065, UTC),
        method="POST",
        path="/",
        query="",
        headers={"content-type": "application/json; charset=utf-8", "host": "cvm.tencentcloudapi.com"},
        body=b'{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}',
    )

    assert authorization == (
        "TC3-HMAC-SHA256 Credential=an-id/2019-02-25/cvm/tc3_request, "
        "SignedHeaders=content-type;host, "
        "Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"
    )


def test_a_query_is_encoded_as_signatures_want_it() -> None:
    assert canonical_query({"b": "a b*c+d/e~", "a": "路"}) == "a=%E8%B7%AF&b=a%20b%2Ac%2Bd%2Fe~"
