"""What pages without a sign-in share: their headers, the answer where there is nothing, and the icons."""
