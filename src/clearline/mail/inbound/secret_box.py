"""Encryption of secrets that Clearline has to read again, such as the passwords of mailboxes."""

from base64 import urlsafe_b64encode

_ABOUT = b"clearline sealed secrets 1"


class UndecryptableSecret(Exception):
    """The secret was encrypted with another key, or is damaged: it has to be entered again."""

    def __init__(self) -> None:
        super().__init__("the password cannot be decrypted: CLEARLINE_SECRET_KEY has changed; set the password again")


class SecretBox:
    """Encrypts and decrypts secrets with one key (Fernet: AES-128-CBC and HMAC-SHA256)."""

    def __init__(self, key: bytes) -> None:
        from cryptography.fernet import Fernet  # noqa: PLC0415 - slow to import, and most commands need none
        from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

        derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=_ABOUT).derive(key)
        self._fernet = Fernet(urlsafe_b64encode(derived))

    def encrypt(self, secret: str) -> bytes:
        """Return the encrypted secret."""
        return self._fernet.encrypt(secret.encode())

    def decrypt(self, encrypted: bytes) -> str:
        """Return the decrypted secret.

        Raises:
            UndecryptableSecret: it was encrypted with another key.
        """
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 - slow to import, and most commands need none

        try:
            return self._fernet.decrypt(encrypted).decode()
        except InvalidToken:
            raise UndecryptableSecret from None
