"""Signatures and AES of messages between WeChat and an official account (微信公众平台 消息加解密说明).

A signature is the SHA-1 over the sorted parts, the token among them; it is all that protects a plain message. An
encrypted message is AES-256-CBC over 16 random octets, the length, the XML and the account's AppID, filled up to a
multiple of 32.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_BLOCK = 32
_RANDOM = 16
_LENGTH = 4


class NotGenuine(ValueError):
    """An encrypted message that was not made with our key for our account."""


def signature(*parts: str) -> str:
    """Return the signature over *parts*, in lower-case hexadecimal."""
    return hashlib.sha1("".join(sorted(parts)).encode("utf-8", "surrogatepass")).hexdigest()


def is_signed(given: str, *parts: str) -> bool:
    """Tell in constant time whether *given* is the signature over *parts*."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), signature(*parts).encode())


class Envelope:
    """Encrypts and decrypts for one account: its EncodingAESKey (43 characters) and its AppID."""

    def __init__(self, aes_key: str, app_id: str) -> None:
        """Raises `ValueError` for what is no EncodingAESKey."""
        try:
            self._key = base64.b64decode(f"{aes_key}=", validate=True)
        except binascii.Error as error:
            raise ValueError("not an EncodingAESKey: not Base64") from error
        if len(self._key) != 32:
            raise ValueError("not an EncodingAESKey: expected 43 characters")
        self._app_id = app_id.encode()

    def opened(self, text: str) -> bytes:
        """Return the message in *text*, which is Base64. Raises `NotGenuine`."""
        try:
            sealed = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise NotGenuine("not Base64") from error
        if not sealed or len(sealed) % 16:
            raise NotGenuine("not whole blocks")
        decryptor = self._cipher().decryptor()
        plain = decryptor.update(sealed) + decryptor.finalize()
        fill = plain[-1]
        if not 1 <= fill <= _BLOCK or plain[-fill:] != bytes([fill]) * fill:
            raise NotGenuine("wrong filling")
        content = plain[_RANDOM:-fill]
        length = int.from_bytes(content[:_LENGTH], "big")
        message, app_id = content[_LENGTH : _LENGTH + length], content[_LENGTH + length :]
        if len(message) != length or app_id != self._app_id:
            raise NotGenuine("for another account")
        return message

    def sealed(self, message: bytes, random: bytes) -> str:
        """Return *message* encrypted, in Base64; *random* is 16 octets that nobody can guess."""
        content = random[:_RANDOM] + len(message).to_bytes(_LENGTH, "big") + message + self._app_id
        fill = _BLOCK - len(content) % _BLOCK
        encryptor = self._cipher().encryptor()
        return base64.b64encode(encryptor.update(content + bytes([fill]) * fill) + encryptor.finalize()).decode()

    def _cipher(self) -> Cipher[modes.CBC]:
        return Cipher(algorithms.AES(self._key), modes.CBC(self._key[:16]))
