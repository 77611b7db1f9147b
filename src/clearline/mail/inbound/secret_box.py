"""Short secrets that the desk has to read again, such as passwords of mailboxes, encrypted where they are kept."""

from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_ABOUT = b"clearline sealed secrets 1"


class UndecryptableSecret(Exception):
    """The secret was sealed with another key, or is damaged: it has to be given again."""

    def __init__(self) -> None:
        super().__init__("the password cannot be decrypted: CLEARLINE_SECRET_KEY is another one; give it again")


class SecretBox:
    """Seals and opens secrets with one key (Fernet: AES-128-CBC and HMAC-SHA256)."""

    def __init__(self, key: bytes) -> None:
        derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=_ABOUT).derive(key)
        self._fernet = Fernet(urlsafe_b64encode(derived))

    def encrypt(self, secret: str) -> bytes:
        """A secret as it may be kept."""
        return self._fernet.encrypt(secret.encode())

    def decrypt(self, encrypted: bytes) -> str:
        """The secret again.

        Raises:
            UndecryptableSecret: it was sealed with another key.
        """
        try:
            return self._fernet.decrypt(encrypted).decode()
        except InvalidToken:
            raise UndecryptableSecret from None
