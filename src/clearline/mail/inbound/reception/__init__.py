"""The port for mail: SMTP and LMTP, within limits."""
